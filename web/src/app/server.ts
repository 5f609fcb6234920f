import { callId, serverPub, signServerAuth } from "../engine/e2ee/derive.ts";
import { fromBase64Url, toBase64Url } from "../engine/e2ee/encode.ts";
import { parseFragment, secureRandom, type Link } from "../engine/e2ee/link.ts";
import { Signaling } from "../engine/signaling.ts";
import type { ServerMessage } from "../protocol/decode.ts";
import type { ErrorCode } from "../protocol/messages.gen.ts";
import type { CallRecord } from "../storage/calls.ts";

const answerMs = 10_000;

/** Why the server did not do it: its own code, or the connection that could not be had. */
export type ServerProblem = ErrorCode | "offline" | "server-away" | "token-required";

export class ServerError extends Error {
  readonly problem: ServerProblem;

  constructor(problem: ServerProblem) {
    super(problem);
    this.name = "ServerError";
    this.problem = problem;
  }
}

/**
 * One exchange with the server over a connection of its own. `step` sees each message and returns true when its errand
 * is done, or throws. Rejects with a ServerError when the server refuses, goes away or does not answer in time.
 */
function errand(step: (message: ServerMessage, signaling: Signaling) => boolean): Promise<void> {
  if (!navigator.onLine) return Promise.reject(new ServerError("offline"));
  return new Promise((resolve, reject) => {
    const signaling = new Signaling();
    const timer = setTimeout(() => finish(new ServerError("server-away")), answerMs);

    function finish(error?: ServerError): void {
      clearTimeout(timer);
      signaling.close();
      if (error) reject(error);
      else resolve();
    }

    function attempt(message: ServerMessage): void {
      try {
        if (step(message, signaling)) finish();
      } catch (error) {
        finish(error instanceof ServerError ? error : new ServerError("E_INTERNAL"));
      }
    }

    signaling.on("message", (message) => {
      if (message.type === "error") finish(new ServerError(message.code));
      else attempt(message);
    });
    signaling.on("closed", ({ code }) => finish(new ServerError(code ?? "server-away")));
  });
}

/** Registers a new call with the server; resolves with the time its link expires (ms since the epoch). */
export async function registerCall(link: Link, ttlMs: number, token: string): Promise<number> {
  const request = {
    type: "create",
    call: toBase64Url(callId(link)),
    srv_pub: toBase64Url(serverPub(link)),
    ttl_ms: ttlMs,
    ...(token && { token }),
  } as const;
  let expiresAt = 0;
  await errand((message, signaling) => {
    if (message.type === "welcome") {
      if (message.token_required && !token) throw new ServerError("token-required");
      signaling.send(request);
    }
    if (message.type === "created") expiresAt = message.expires_ms;
    return message.type === "created";
  });
  return expiresAt;
}

/** Ends a call for good: its link is dead from then on. A call that is over already counts as done. */
export async function endCall(origin: string, record: CallRecord): Promise<void> {
  const link = parseFragment(record.fragment);
  const id = callId(link);
  const cid = secureRandom(16);
  try {
    await errand((message, signaling) => {
      if (message.type === "welcome") {
        const sig = signServerAuth(link, origin, fromBase64Url(message.nonce), cid);
        signaling.send({
          type: "join",
          role: "host",
          call: toBase64Url(id),
          cid: toBase64Url(cid),
          sig: toBase64Url(sig),
        });
      }
      if (message.type === "joined") signaling.send({ type: "end" });
      return message.type === "ended";
    });
  } catch (error) {
    if (!(error instanceof ServerError) || error.problem !== "E_GONE") throw error;
  }
}
