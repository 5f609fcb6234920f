/** Outer control: short notes beside the handshake. They prove knowledge of the link only, so they can end things and nothing else. */
import { concat, fromUtf8, utf8 } from "./encode.ts";
import { type Code, isPeerCode, peerCode } from "./errors.ts";

export const FRAME_CONTROL = 0x20;
const LIMIT_CONTROL_BYTES = 512;

export interface Control {
  /** abort: handshake or session is over. busy: no handshake now. pw-required: come back with a password. */
  readonly t: "abort" | "busy" | "pw-required";
  readonly code: Code;
}

export function encodeControl(t: Control["t"], code: Code): Uint8Array {
  return concat(Uint8Array.of(FRAME_CONTROL), utf8(JSON.stringify({ t, code: peerCode(code) })));
}

/** Null for what is malformed or unknown to this version: not worth ending anything. A code no peer may send reads E_CONFIRM. */
export function decodeControl(frame: Uint8Array): Control | null {
  if (frame.length > LIMIT_CONTROL_BYTES) return null;
  let note: { t?: unknown; code?: unknown } | null;
  try {
    note = JSON.parse(fromUtf8(frame.subarray(1))) as typeof note;
  } catch {
    return null;
  }
  const code = note?.code;
  switch (note?.t) {
    case "abort":
      return { t: "abort", code: isPeerCode(code) ? code : "E_CONFIRM" };
    case "busy":
      return { t: "busy", code: code === "E_LOCKED" || code === "E_DENIED" ? code : "E_BUSY" };
    case "pw-required":
      return { t: "pw-required", code: "E_PW_REQUIRED" };
    default:
      return null;
  }
}
