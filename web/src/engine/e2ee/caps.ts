import { fromUtf8, utf8 } from "./encode.ts";
import { E2EEError } from "./errors.ts";
import { FlagRecordingMandatory, FlagRelayOnly, FlagSFrameRequired, type Link } from "./link.ts";

/** 0 cannot or will not, 1 can, 2 demands. */
export type Level = 0 | 1 | 2;

/** What one side can and demands; part of the signed transcript. */
export interface Caps {
  readonly sframe: Level;
  /** Video codecs, best first: "vp9", "vp8". */
  readonly video: readonly string[];
  readonly record: Level;
  /** 2: media only through the relay; 0 and 1: no demand. */
  readonly relay: Level;
  /** Name and version of the client. */
  readonly app: string;
}

/** What holds for a session: the stricter of both sides. Levels: 0 off, 1 used or allowed, 2 demanded. */
export interface Policy {
  readonly sframe: Level;
  readonly record: Level;
  readonly relay: Level;
}

const LIMIT_CAPS_BYTES = 512;

/** Raises caps to what the link demands; E_POLICY if this client cannot do it. */
export function capsForLink(link: Link, caps: Caps): Caps {
  const needsSframe = (link.flags & FlagSFrameRequired) !== 0;
  const needsRecord = (link.flags & FlagRecordingMandatory) !== 0;
  if ((needsSframe && caps.sframe === 0) || (needsRecord && caps.record === 0)) throw new E2EEError("E_POLICY");
  return {
    ...caps,
    sframe: needsSframe ? 2 : caps.sframe,
    record: needsRecord ? 2 : caps.record,
    relay: (link.flags & FlagRelayOnly) !== 0 ? 2 : caps.relay,
  };
}

export function encodeCaps(c: Caps): Uint8Array {
  const json = utf8(JSON.stringify({ sframe: c.sframe, v: c.video, rec: c.record, relay: c.relay, app: c.app }));
  if (json.length > LIMIT_CAPS_BYTES) throw new E2EEError("E_SIZE", "caps");
  return json;
}

export function decodeCaps(b: Uint8Array): Caps {
  if (b.length > LIMIT_CAPS_BYTES) throw new E2EEError("E_PARSE", "caps too large");
  const o = parseObject(b);
  const video = o["v"] ?? [];
  const app = o["app"] ?? "";
  if (!Array.isArray(video) || !video.every((v) => typeof v === "string") || typeof app !== "string") {
    throw new E2EEError("E_PARSE", "caps");
  }
  return { sframe: level(o["sframe"]), video, record: level(o["rec"]), relay: level(o["relay"]), app };
}

/** The policy of two sides; E_POLICY if one requires what the other has off. */
export function effectivePolicy(a: Caps, b: Caps): Policy {
  return {
    sframe: stricter(a.sframe, b.sframe),
    record: stricter(a.record, b.record),
    // Everyone can use the relay, so this demand is always met.
    relay: Math.max(a.relay, b.relay) as Level,
  };
}

function stricter(a: Level, b: Level): Level {
  const low = Math.min(a, b);
  const high = Math.max(a, b);
  if (low === 0 && high === 2) throw new E2EEError("E_POLICY");
  return (low === 0 ? 0 : high) as Level;
}

function level(v: unknown): Level {
  const n = v ?? 0;
  if (n !== 0 && n !== 1 && n !== 2) throw new E2EEError("E_PARSE", "caps");
  return n;
}

function parseObject(b: Uint8Array): Record<string, unknown> {
  const text = fromUtf8(b);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new E2EEError("E_PARSE", "caps are not JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new E2EEError("E_PARSE", "caps");
  return value as Record<string, unknown>;
}
