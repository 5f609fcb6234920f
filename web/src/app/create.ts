import { callId, guestLink } from "../engine/e2ee/derive.ts";
import { toBase64Url, toHex } from "../engine/e2ee/encode.ts";
import { FlagPassword, FlagRelayOnly, FlagSFrameRequired, newLink, secureRandom } from "../engine/e2ee/link.ts";
import { stretchPassword } from "../engine/e2ee/password.ts";
import { DefaultTTLMS } from "../protocol/messages.gen.ts";
import type { CallRecord } from "../storage/calls.ts";
import { registerCall } from "./server.ts";

/** What the creator of a call chooses. */
export interface CallPlan {
  readonly title: string;
  readonly password: string; // "" for none
  readonly waitingRoom: boolean;
  readonly limitMs: number | null;
  readonly ttlMs: number;
  readonly oneTime: boolean;
  readonly relayOnly: boolean;
  /** Nobody gets in whose browser cannot encrypt media frames. */
  readonly frames?: boolean;
}

/** "Start now": nobody gets in unasked, the link is good for one call within a week. */
export const startNow: CallPlan = {
  title: "",
  password: "",
  waitingRoom: true,
  limitMs: null,
  ttlMs: DefaultTTLMS,
  oneTime: true,
  relayOnly: false,
};

/** Makes the keys on this device and registers the call. The record holds the only copy of the host link. */
export async function createCall(plan: CallPlan, token: string): Promise<CallRecord> {
  const flags =
    (plan.password ? FlagPassword : 0) | (plan.relayOnly ? FlagRelayOnly : 0) | (plan.frames ? FlagSFrameRequired : 0);
  const link = newLink(secureRandom, flags);
  const [expiresAt, stretched] = await Promise.all([
    registerCall(link, plan.ttlMs, token),
    plan.password ? stretchPassword(link, plan.password) : null,
  ]);
  const now = Date.now();
  return {
    id: toHex(callId(link)),
    role: "host",
    fragment: link.fragment(),
    guest: guestLink(link).fragment(),
    password: stretched && toBase64Url(stretched),
    title: plan.title.trim(),
    peer: "",
    createdAt: now,
    lastAt: now,
    expiresAt,
    ended: false,
    waitingRoom: plan.waitingRoom,
    limitMs: plan.limitMs,
    oneTime: plan.oneTime,
    relayOnly: plan.relayOnly,
  };
}
