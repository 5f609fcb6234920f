import type { Reading } from "./reading.ts";

/** What the choice of a codec needs to know of the seconds before. */
export interface CodecMemory {
  readonly codec: "VP9" | "VP8";
  readonly hot: number; // readings in a row that were too dear
  readonly cool: number; // and cheap enough for VP9
  readonly wait: number; // readings that VP9 has to wait for its next chance
  readonly strained: boolean; // even VP8 is too dear at this size
}

export const firstCodec: CodecMemory = { codec: "VP9", hot: 0, cool: 0, wait: 30, strained: false };

/** Of the 33 ms between two frames: the other half decodes, draws and plays sound. */
const HOT_MS = 20;
const HOT_AFTER = 4;
/** Software VP9 costs up to 2.5 times what VP8 does. */
const COOL_MS = 6;
const LONGEST_WAIT = 600;

/**
 * VP9 shows more for the same bits; on a machine that is too weak to encode it in time it shows stutter. So what counts
 * is measured: the time a frame takes, and whether the browser says that the machine limits it. Every return to VP9
 * has to wait twice as long as the one before.
 */
export function nextCodec(before: CodecMemory, r: Reading): CodecMemory {
  if (r.encodeMs === null && !r.cpuLimited) return before; // nothing was encoded
  const ms = r.encodeMs ?? 0;
  const hot = ms > HOT_MS || r.cpuLimited ? before.hot + 1 : 0;
  const cool = ms < COOL_MS && !r.cpuLimited ? before.cool + 1 : 0;
  if (hot >= HOT_AFTER) {
    const wait = before.codec === "VP9" ? Math.min(before.wait * 2, LONGEST_WAIT) : before.wait;
    return { codec: "VP8", hot: 0, cool: 0, wait, strained: before.codec === "VP8" };
  }
  if (cool < before.wait) return { ...before, hot, cool };
  // First more lines, then the better codec.
  if (before.strained) return { ...before, hot: 0, cool: 0, strained: false };
  return { ...before, codec: "VP9", hot: 0, cool: 0 };
}
