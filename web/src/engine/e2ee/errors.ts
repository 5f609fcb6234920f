import type { ErrorCode } from "../../protocol/messages.gen.ts";

/** Why something failed; the same strings as the server's error codes. */
export type Code = ErrorCode;

/** A failure of the end-to-end protocol. The detail is for logs and never holds secrets. */
export class E2EEError extends Error {
  readonly code: Code;

  constructor(code: Code, detail = "") {
    super(detail === "" ? code : `${code}: ${detail}`);
    this.name = "E2EEError";
    this.code = code;
  }
}

/**
 * The codes a peer may be told. Every other failure before confirmation reads
 * E_CONFIRM, so that a probing peer cannot tell the checks apart.
 */
const PEER_CODES: ReadonlySet<Code> = new Set<Code>([
  "E_CONFIRM",
  "E_PARSE",
  "E_POLICY",
  "E_BUSY",
  "E_LOCKED",
  "E_DENIED",
  "E_TIMEOUT",
  "E_SFRAME",
  "E_CONSENT",
  "E_GONE",
]);

/** The code to tell a peer about a failure. */
export function peerCode(code: Code): Code {
  return PEER_CODES.has(code) ? code : "E_CONFIRM";
}

/** Whether a code that came from a peer is one that a peer may send. */
export function isPeerCode(code: unknown): code is Code {
  return typeof code === "string" && PEER_CODES.has(code as Code);
}

/** The code of anything thrown: what is not ours is our own fault. */
export function codeOf(error: unknown): Code {
  return error instanceof E2EEError ? error.code : "E_INTERNAL";
}
