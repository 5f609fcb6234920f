import { callId, guestLink } from "../engine/e2ee/derive.ts";
import { toHex } from "../engine/e2ee/encode.ts";
import type { Link } from "../engine/e2ee/link.ts";
import type { CallLike } from "./call.svelte.ts";
import type { RecentCalls } from "./recent.svelte.ts";

/** Under which this device keeps a call. */
export function idOf(link: Link): string {
  return toHex(callId(link));
}

/**
 * Writes a call down among the recent ones of this device, once the two have met or if the link is over. `password`: stretched,
 * base64url, null if none was entered here. False if there is nothing to write down yet.
 */
export function remember(recent: RecentCalls, link: Link, call: CallLike, password: string | null): boolean {
  const id = idOf(link);
  const known = recent.get(id);
  const met = call.liveSince !== null || Boolean(call.end?.durationMs);
  if (!met && !(known && call.end?.linkOver)) return false;
  const seen = {
    peer: call.remote?.name || call.end?.peerName || known?.peer || "",
    lastAt: Date.now(),
    ended: call.end?.linkOver ?? false,
    ...(call.end?.receipt && { receipt: call.end.receipt }),
  };
  if (known) {
    recent.update(id, seen);
    return true;
  }
  recent.put({
    id,
    role: link.role,
    fragment: link.fragment(),
    guest: (link.host ? guestLink(link) : link).fragment(),
    password,
    title: call.title,
    createdAt: Date.now(),
    expiresAt: call.expiresAt,
    waitingRoom: true,
    limitMs: call.limitMs,
    oneTime: false,
    relayOnly: call.relayOnly,
    ...seen,
  });
  return true;
}
