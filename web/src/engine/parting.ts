import type { ByeReason } from "../protocol/sealed.gen.ts";
import type { Code } from "./e2ee/errors.ts";
import type { EndReason } from "./types.ts";

/** How far the clocks of two people may be apart when the time of a call is up. */
const LIMIT_SLACK_MS = 5_000;

/** Why a conversation is over; `code` when something failed. */
export interface Over {
  readonly reason: ByeReason;
  readonly mine: boolean; // we ended it
  readonly code: Code | null;
}

/**
 * Whether the host's call ends with the conversation. A guest who goes leaves it open, and may come back: what ends
 * it is up to the host, to the clock, and to words that differ. A guest's word for the time is not enough.
 */
export function endsCall({ reason, mine }: Over, endsAt: number | null, now: number): boolean {
  if (reason === "differ") return true;
  if (reason === "limit") return mine || (endsAt !== null && now > endsAt - LIMIT_SLACK_MS);
  return mine && reason === "hangup";
}

/** The end reason a person is shown for each goodbye. */
export function endReason({ reason, mine }: Pick<Over, "reason" | "mine">): EndReason {
  const reasons: Record<ByeReason, EndReason> = {
    hangup: mine ? "hangup" : "peer-hangup",
    removed: "removed",
    limit: "limit",
    differ: "differ",
    error: "error",
  };
  return reasons[reason];
}
