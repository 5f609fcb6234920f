/**
 * Re-keying renews the keys of a living session: the four messages of the handshake as payloads of sealed messages, with
 * the last resume secret mixed in and fresh values in place of the connection ids.
 *
 *   G→H  rekey     n             H→G  rekey-please  epoch     (only asks for it)
 *   H→G  rekey-ok  n, to
 *   G→H  hs        n, b = M1     H→G  hs  n, b = M2
 *   G→H  hs        n, b = M3     H→G  hs  n, b = M4
 *   G→H  ready, under the new keys; H→G  ready, under the new keys
 *
 * The n of rekey names the run, so a message of a run that was given up is not taken for one of the next. Nothing here can
 * end a session: what is lost or wrong ends the run, and the guest begins another one later.
 */
import type { SealedJSON } from "./effects.ts";
import { fromBase64Url, toBase64Url } from "./encode.ts";

/** How long one epoch's keys are used. */
const EVERY_MS = 30 * 60_000;
/** How many frames one key seals. */
export const REKEY_FRAMES = 2 ** 31;
/** The least time between two epochs that a host agrees to. */
export const PAUSE_MS = 1_000;
/** How long the next message of a run may take. */
export const RUN_MS = 10_000;
const RETRY_MS = 5_000;
const RETRY_MAX_MS = 5 * 60_000;
const RUN_BYTES = 16;

const TYPES: ReadonlySet<string> = new Set(["rekey", "rekey-ok", "rekey-please", "hs"]);

export function isRekey(type: string): boolean {
  return TYPES.has(type);
}

/** How long one epoch lasts; undefined means the usual time. */
export function rekeyEvery(ms: number | undefined): number {
  return ms ?? EVERY_MS;
}

/** The pause after the n-th run in a row that was given up. */
export function retryAfter(n: number): number {
  return Math.min(RETRY_MS * 2 ** Math.min(n, 6), RETRY_MAX_MS);
}

/** Bytes of a field; null if it is missing, not base64url or of another length. */
export function field(json: SealedJSON, name: "n" | "to" | "b"): Uint8Array | null {
  const value = json[name];
  if (typeof value !== "string") return null;
  try {
    const bytes = fromBase64Url(value);
    return name === "b" || bytes.length === RUN_BYTES ? bytes : null;
  } catch {
    return null;
  }
}

/** One message of the handshake in the run n. */
export function carry(n: Uint8Array, message: Uint8Array): SealedJSON {
  return { t: "hs", n: toBase64Url(n), b: toBase64Url(message) };
}
