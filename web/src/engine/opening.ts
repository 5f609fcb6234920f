import { DefaultTTLMS } from "../protocol/messages.gen.ts";
import type { Budget } from "./e2ee/budget.ts";
import { deriveHost, signServerAuth } from "./e2ee/derive.ts";
import { Host } from "./e2ee/host.ts";
import { Line } from "./line.ts";
import { capabilities } from "./capabilities.ts";
import type { Seat } from "./persist.ts";
import type { CallOptions } from "./types.ts";

/** A host's protocol machine, with what an earlier page of the same call has left. */
export function hostMachine(
  { link, rekeyMs }: CallOptions,
  password: Uint8Array | null,
  budget: Budget | null,
  seat: Seat | null,
): Host {
  return new Host({
    link,
    caps: capabilities(link),
    ...(password && { password }),
    ...(budget && { budget }),
    ...(seat && { resume: seat.resume }),
    ...(rekeyMs !== undefined && { rekeyMs }),
  });
}

/** The line of a host: it registers the call and signs for its seat. */
export function hostLine({ link, origin, ttlMs }: CallOptions, callId: Uint8Array): Line {
  const sign = (nonce: Uint8Array, cid: Uint8Array) => signServerAuth(link, origin, nonce, cid);
  const host = { serverPub: deriveHost(link).serverPub, ttlMs: ttlMs ?? DefaultTTLMS, sign };
  return new Line({ callId, host });
}
