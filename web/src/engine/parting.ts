import type { ByeReason } from "../protocol/sealed.gen.ts";
import type { Code } from "./e2ee/errors.ts";
import type { EndReason, PathInfo, Phase } from "./types.ts";

/** How far the clocks of two people may be apart when the time of a call is up. */
const LIMIT_SLACK_MS = 5_000;

/** Why a conversation is over; `code` when something failed. */
export interface Over {
  readonly reason: ByeReason;
  readonly mine: boolean; // we ended it
  readonly code: Code | null;
}

/** What the server has ended the call with, as far as it is up to the server. */
export interface LastWord {
  readonly reason: EndReason;
  readonly code: Code | null;
}

/**
 * Whether a call goes on after the server's last word: as long as media flows past the server. What flows through its
 * relay it can stop, so there its word is as good as the deed.
 */
export function outlives(phase: Phase, path: Pick<PathInfo, "kind"> | null): boolean {
  return phase === "live" && path?.kind !== "relayed";
}

/** How a call has ended that went on after it: as one of the two wanted, or as the server said if nobody did. */
export function endAfter(word: LastWord, over: Over): LastWord {
  return over.code === "E_TIMEOUT" ? word : { reason: endReason(over), code: over.code };
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
