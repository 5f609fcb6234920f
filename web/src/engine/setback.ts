import type { Code } from "./e2ee/errors.ts";
import type { Phase } from "./types.ts";

/** Failures of a handshake that another try may heal. */
const accidents: ReadonlySet<Code> = new Set<Code>(["E_TIMEOUT", "E_OUTER", "E_SEQ", "E_STATE", "E_RATE"]);

/** What the host or the server says to somebody who may not come in. */
export function isRefusal(code: Code): boolean {
  return code === "E_BUSY" || code === "E_LOCKED" || code === "E_DENIED";
}

/** Try again, ask the person for a password, or give up. */
export type Setback = "again" | "password" | "over";

/**
 * What a guest does whose handshake has failed. Between two people in a call a failure says little: the server
 * decides what arrives, and so can make any handshake fail; their media is proven and does not need it. Only the host's
 * own word ends the call then, or that it has no place for us once media is lost, too.
 */
export function setback(code: Code, phase: Phase, conversing: boolean): Setback {
  if (!conversing) return code === "E_PW_REQUIRED" ? "password" : accidents.has(code) ? "again" : "over";
  if (code === "E_DENIED" || code === "E_GONE") return "over";
  return phase === "live" || !isRefusal(code) ? "again" : "over"; // a password that let us in once is not asked for again
}
