import * as v from "valibot";
import * as wire from "./messages.gen.ts";
import type { CheckReply, ErrorCode, ServerMessage } from "./messages.gen.ts";

export type { ServerMessage } from "./messages.gen.ts";

// The checks are those of Go's DecodeServer: both read the vectors in protocol/testdata.

const text = v.string();
const integer = v.pipe(v.number(), v.safeInteger());
const req = v.exactOptional(v.pipe(text, v.maxLength(64)));
const slot = v.pipe(integer, v.minValue(1), v.maxValue(0xffff));

// Base64url without padding, in its one canonical form: the bits that the last character has too many are zero.
const id = v.pipe(text, v.regex(/^[\w-]{21}[AQgw]$/)); // 16 bytes
const nonce = v.pipe(text, v.regex(/^[\w-]{42}[AEIMQUYcgkosw048]$/)); // 32 bytes

const urls = v.pipe(v.array(v.pipe(text, v.minLength(1), v.maxLength(512))), v.maxLength(16));
const credential = v.exactOptional(v.pipe(text, v.maxLength(512)));
const server = v.object({ urls, username: credential, credential });
const servers = v.object({
  servers: v.pipe(v.array(server), v.maxLength(16)),
  expires_ms: integer,
});

const limits = v.object({
  frame_bytes: integer,
  frames_per_second: integer,
  frames_burst: integer,
  join_ms: integer,
  waiting: integer,
  max_ttl_ms: integer,
});

const codes = [
  wire.ErrorCodeVersion,
  wire.ErrorCodeParse,
  wire.ErrorCodeOuter,
  wire.ErrorCodePoint,
  wire.ErrorCodeKEM,
  wire.ErrorCodeHostKey,
  wire.ErrorCodeHostSig,
  wire.ErrorCodeConfirm,
  wire.ErrorCodeCommit,
  wire.ErrorCodeEpoch,
  wire.ErrorCodeSeq,
  wire.ErrorCodeState,
  wire.ErrorCodeTimeout,
  wire.ErrorCodePolicy,
  wire.ErrorCodePasswordForm,
  wire.ErrorCodePWRequired,
  wire.ErrorCodeLocked,
  wire.ErrorCodeBusy,
  wire.ErrorCodeDenied,
  wire.ErrorCodeSDP,
  wire.ErrorCodeDTLSFP,
  wire.ErrorCodeBind,
  wire.ErrorCodeSFrame,
  wire.ErrorCodeSASDiffer,
  wire.ErrorCodeConsent,
  wire.ErrorCodeReplaced,
  wire.ErrorCodeRate,
  wire.ErrorCodeSize,
  wire.ErrorCodeOrigin,
  wire.ErrorCodeAuth,
  wire.ErrorCodeGone,
  wire.ErrorCodeInternal,
] as const;

const serverMessage = v.variant("type", [
  v.object({
    type: v.literal("welcome"),
    version: integer,
    nonce,
    time_ms: integer,
    limits,
    stun: urls,
    token_required: v.exactOptional(v.boolean()),
  }),
  v.object({ type: v.literal("created"), req, expires_ms: integer }),
  v.object({
    type: v.literal("joined"),
    req,
    slot: v.pipe(integer, v.minValue(0), v.maxValue(0xffff)),
    seat: v.exactOptional(id),
    expires_ms: v.exactOptional(integer),
    locked: v.exactOptional(v.boolean()),
    ice: v.exactOptional(servers),
  }),
  v.object({
    type: v.literal("peer"),
    slot,
    cid: id,
    state: v.picklist([wire.PeerStateWaiting, wire.PeerStateGone]),
  }),
  v.pipe(
    v.object({ type: v.literal("host"), online: v.boolean(), cid: v.exactOptional(id) }),
    v.check((host) => !host.online || host.cid !== undefined),
  ),
  v.object({ type: v.literal("ice"), ice: servers }),
  v.object({ type: v.literal("ended"), req, reason: v.picklist([wire.EndReasonHost, wire.EndReasonExpired]) }),
  v.object({ type: v.literal("going_away"), retry_ms: integer }),
  v.object({
    type: v.literal("error"),
    req,
    code: v.fallback(v.picklist(codes), wire.ErrorCodeInternal),
    detail: v.exactOptional(text),
  }),
]);

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

const frame = v.pipe(text, v.maxLength(wire.LimitFrameBytes), v.parseJson(), serverMessage);

/**
 * Parses one text frame from the server. Null means "not for this build": a
 * message of a newer type, or not our protocol.
 */
export function decode(data: string): ServerMessage | null {
  const result = v.safeParse(frame, data);
  if (!result.success) return null;
  const same: Same<typeof result.output, ServerMessage> = true; // drift from Go fails the build
  return same && result.output;
}

const transport = v.picklist([wire.CheckTransportUDP, wire.CheckTransportTCP, wire.CheckTransportTLS]);
const checkReply = v.object({
  answer: v.pipe(text, v.maxLength(16_384)),
  server,
  transports: v.pipe(v.array(transport), v.maxLength(3)),
});

/** The answer to a network check; null: not for this build. */
export function decodeCheckReply(json: unknown): CheckReply | null {
  const result = v.safeParse(checkReply, json);
  if (!result.success) return null;
  const same: Same<typeof result.output, CheckReply> = true;
  return same && result.output;
}

/** Why a request was refused. What is not a refusal counts as the server's fault. */
export function decodeRefusal(json: unknown): ErrorCode {
  const result = v.safeParse(serverMessage, json);
  return result.success && result.output.type === "error" ? result.output.code : wire.ErrorCodeInternal;
}
