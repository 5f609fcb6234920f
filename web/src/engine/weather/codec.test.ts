import { expect, test } from "vitest";
import { firstCodec, nextCodec, type CodecMemory } from "./codec.ts";
import type { Reading } from "./reading.ts";

const reading: Reading = {
  availableKbps: 5_000,
  rttMs: 40,
  lossOut: 0,
  lossIn: 0,
  encodeMs: 5,
  cpuLimited: false,
  codec: "VP9",
  lines: 720,
};

function after(seconds: number, change: Partial<Reading>, from: CodecMemory = firstCodec): CodecMemory {
  let memory = from;
  for (let i = 0; i < seconds; i++) memory = nextCodec(memory, { ...reading, ...change });
  return memory;
}

test.each<[string, Partial<Reading>, string]>([
  ["cheap", { encodeMs: 5 }, "VP9"],
  ["dear", { encodeMs: 25 }, "VP8"],
  ["limited by the machine", { cpuLimited: true }, "VP8"],
  ["nothing encoded", { encodeMs: null }, "VP9"],
])("frames are %s", (_, change, codec) => {
  expect(after(10, change).codec).toBe(codec);
});

test("one slow second changes nothing", () => {
  expect(after(1, { encodeMs: 5 }, after(3, { encodeMs: 30 })).hot).toBe(0);
  expect(after(3, { encodeMs: 30 }).codec).toBe("VP9");
});

test("comes back when there is time, and waits twice as long the next time", () => {
  const vp8 = after(4, { encodeMs: 30 });
  expect(after(59, { encodeMs: 3 }, vp8).codec).toBe("VP8");
  const back = after(60, { encodeMs: 3 }, vp8);
  expect(back.codec).toBe("VP9");
  const again = after(4, { encodeMs: 30 }, back);
  expect(after(119, { encodeMs: 3 }, again).codec).toBe("VP8");
  expect(after(120, { encodeMs: 3 }, again).codec).toBe("VP9");
});

test("a machine that is too weak for VP8 gets a smaller picture", () => {
  const weak = after(8, { encodeMs: 30 });
  expect(weak).toMatchObject({ codec: "VP8", strained: true });
  expect(after(60, { encodeMs: 3 }, weak)).toMatchObject({ codec: "VP8", strained: false });
});
