import * as v from "valibot";
import {
  LimitBeatMS,
  LimitChat,
  LimitLines,
  LimitName,
  LimitNote,
  LimitSDP,
  LimitTested,
  LimitTitle,
  LineKindScreen,
  LineKindScreenSound,
  type Admit,
  type Beat,
  type Bye,
  type Candidate,
  type CandidatesEnd,
  type Chat,
  type ChatAck,
  type Cue,
  type Deny,
  type Err,
  type File as FileOffer,
  type FileEnd,
  type FileGet,
  type FileStop,
  type Hello,
  type Hold,
  type Knock,
  type Rehearse,
  type Report,
  type SDP,
  type State,
  type Verify,
  type Want,
} from "../protocol/sealed.gen.ts";
import { cleanLine, cleanText } from "./text.ts";

export type SealedMessage =
  | Knock
  | Hello
  | Admit
  | Hold
  | Deny
  | SDP
  | Candidate
  | CandidatesEnd
  | Beat
  | State
  | Chat
  | ChatAck
  | Cue
  | Verify
  | Bye
  | Want
  | Err
  | FileOffer
  | FileGet
  | FileEnd
  | FileStop
  | Report
  | Rehearse;

const line = (limit: number) =>
  v.pipe(
    v.string(),
    v.transform((s) => cleanLine(s, limit)),
  );
const text = (limit: number) =>
  v.pipe(
    v.string(),
    v.transform((s) => cleanText(s, limit)),
  );
const level = v.picklist([0, 1, 2]);
const gen = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0xffff_ffff));
/** Which description of a generation. */
const nth = v.exactOptional(gen);
const id = v.pipe(v.string(), v.minLength(1), v.maxLength(32));

const fate = v.exactOptional(v.picklist(["other", "gone"]));
// Of a measurement: nothing in a call of a day is larger than what fits into 32 bits.
const count = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0xffff_ffff));
const fileId = v.pipe(v.string(), v.regex(/^[\w-]{16}$/));
const offset = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const mline = v.object({
  mid: v.pipe(v.string(), v.minLength(1), v.maxLength(16)),
  kind: v.picklist([LineKindScreen, LineKindScreenSound]),
});

const light = v.fallback(v.picklist(["good", "fair", "poor", "unknown"]), "unknown");
const tested = v.pipe(
  v.object({
    hours: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(LimitTested)),
    mic: light,
    speaker: light,
    camera: light,
    picture: light,
    network: light,
    net: v.exactOptional(v.unknown()),
  }),
  v.transform(({ net, ...rest }) => (net === "same" || net === "other" ? ({ ...rest, net } as const) : rest)),
);

const report = v.object({
  t: v.literal("report"),
  at: count,
  ms: count,
  packets: v.exactOptional(count),
  lost: v.exactOptional(count),
  lossy: v.exactOptional(count),
  bytes: v.exactOptional(count),
  frozen: v.exactOptional(count),
  gaps: v.exactOptional(count),
  stalled: v.exactOptional(count),
  rtt: v.exactOptional(count),
  sent: v.exactOptional(count),
  path: v.exactOptional(count),
  kbps: v.exactOptional(count),
  tight: v.exactOptional(count),
  busy: v.exactOptional(count),
  slow: v.exactOptional(count),
  hidden: v.exactOptional(count),
  away: v.exactOptional(count),
  no_mic: v.exactOptional(count),
  no_cam: v.exactOptional(count),
});

// A day at most: setTimeout cannot wait longer than 24.8 days anyway.
const limitMs = v.pipe(v.number(), v.integer(), v.minValue(1_000), v.maxValue(86_400_000));

const sdp = v.object({
  t: v.literal("sdp"),
  type: v.picklist(["offer", "answer", "rollback"]),
  gen,
  sdp: v.pipe(v.string(), v.maxLength(LimitSDP)),
  fp: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  lines: v.exactOptional(v.pipe(v.array(mline), v.maxLength(LimitLines))),
  n: nth,
  re: nth,
  spare: v.exactOptional(v.boolean()),
  standby: v.exactOptional(v.boolean()),
});
const ice = v.object({
  t: v.literal("ice"),
  gen,
  mid: v.pipe(v.string(), v.maxLength(16)),
  cand: v.pipe(v.string(), v.maxLength(1_024), v.regex(/^(a=)?candidate:[^\r\n]*$/)),
  n: nth,
});
const iceEnd = v.object({ t: v.literal("ice-end"), gen, n: nth });

const sealedMessage = v.variant("t", [
  v.pipe(
    v.object({
      t: v.literal("knock"),
      name: line(LimitName),
      note: v.exactOptional(text(LimitNote)),
      lang: v.exactOptional(v.pipe(v.string(), v.regex(/^[A-Za-z0-9-]{0,35}$/))),
      tested: v.exactOptional(v.unknown()),
    }),
    // A claim about a check that makes no sense is no reason to leave somebody outside.
    v.transform(({ tested: claim, ...knock }) => {
      const { success, output } = v.safeParse(tested, claim);
      return success ? { ...knock, tested: output } : knock;
    }),
  ),
  v.object({ t: v.literal("hello"), name: v.exactOptional(line(LimitName)), title: v.exactOptional(line(LimitTitle)) }),
  v.object({
    t: v.literal("admit"),
    policy: v.object({ sframe: level, relay: level, rec: level, limit_ms: v.exactOptional(limitMs) }),
  }),
  v.object({ t: v.literal("hold"), msg: v.exactOptional(text(LimitNote)) }),
  v.object({ t: v.literal("deny"), reason: v.exactOptional(text(LimitNote)) }),
  sdp,
  ice,
  iceEnd,
  v.object({
    t: v.literal("rehearse"),
    sdp: v.exactOptional(sdp),
    ice: v.exactOptional(ice),
    end: v.exactOptional(iceEnd),
  }),
  v.object({
    t: v.literal("beat"),
    ms: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(LimitBeatMS)),
  }),
  v.object({
    t: v.literal("state"),
    mic: v.boolean(),
    cam: v.boolean(),
    screen: v.boolean(),
    sound: v.exactOptional(v.boolean()),
    sframe: v.exactOptional(v.picklist(["off", "active", "failed"])),
    rec: v.exactOptional(v.boolean()),
    hidden: v.exactOptional(v.boolean()),
    mic_fate: fate,
    cam_fate: fate,
    music: v.exactOptional(v.boolean()),
    held: v.exactOptional(v.picklist(["network", "asked", "saver"])),
  }),
  report,
  v.object({ t: v.literal("want"), video: v.picklist(["full", "small", "none"]) }),
  v.object({ t: v.literal("chat"), id, text: text(LimitChat) }),
  v.object({ t: v.literal("chat-ack"), id }),
  v.object({ t: v.literal("cue"), kind: v.picklist(["nod", "wait", "hand", "hand-down"]) }),
  v.object({
    t: v.literal("file"),
    id: fileId,
    name: v.pipe(v.string(), v.maxLength(1_000)),
    size: offset,
    type: v.exactOptional(v.pipe(v.string(), v.regex(/^[\w.+/-]{0,100}$/))),
  }),
  v.object({ t: v.literal("file-get"), id: fileId, off: offset }),
  v.object({ t: v.literal("file-end"), id: fileId, sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)) }),
  v.object({
    t: v.literal("file-stop"),
    id: fileId,
    reason: v.picklist(["done", "declined", "canceled", "too-large", "busy", "failed", "damaged"]),
  }),
  v.object({ t: v.literal("verify"), r: v.picklist(["match", "differ"]) }),
  v.object({
    t: v.literal("bye"),
    reason: v.picklist(["hangup", "removed", "limit", "differ", "error"]),
    last: v.exactOptional(report),
  }),
  v.object({ t: v.literal("err"), code: v.pipe(v.string(), v.maxLength(32)) }),
]);

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
type Decoded = v.InferOutput<typeof sealedMessage>;
// A renamed field or a new message in Go fails the build here.
const same: Same<Decoded["t"], SealedMessage["t"]> = true;

/** Checks a message from the other party and cleans its texts. Null: a type or form this build does not know; ignore it. */
export function decodeSealed(json: unknown): SealedMessage | null {
  const r = v.safeParse(sealedMessage, json);
  return same && r.success ? (r.output satisfies SealedMessage) : null;
}
