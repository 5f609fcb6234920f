import { readFileSync } from "node:fs";
import { beforeAll, expect, test } from "vitest";
import { add, atDb, RATE, rms, voice, white } from "../checks/signals.testing.ts";
import { Denoiser } from "./denoiser.ts";
import { FRAME, LAG } from "./rnnoise.ts";

const LATE = FRAME + LAG;
let module: WebAssembly.Module;

beforeAll(() => {
  // Written by `npm run generate`.
  module = new WebAssembly.Module(readFileSync(new URL("rnnoise.wasm", import.meta.url)));
});

function denoise(samples: Float32Array, block = 128): Float32Array {
  const denoiser = new Denoiser(module);
  const out = new Float32Array(samples.length);
  for (let at = 0; at < samples.length; at += block)
    denoiser.process(samples.subarray(at, at + block), out.subarray(at, at + block));
  return out;
}

const db = (samples: Float32Array) => 20 * Math.log10(rms(samples));
const part = (samples: Float32Array, fromS: number, toS: number) => samples.subarray(fromS * RATE, toS * RATE);

test("noise alone is taken away", () => {
  for (const level of [-35, -50]) {
    const out = denoise(atDb(white(4), level));
    expect(db(part(out, 2, 4))).toBeLessThan(level - 20);
  }
});

test("a clean voice passes untouched, 30 ms later, in blocks of any size", () => {
  const clean = add(atDb(voice(4), -26), atDb(white(4), -75));
  for (const block of [128, 441, 4_096]) {
    const out = denoise(clean, block);
    const error = part(out, 2, 4).map((s, i) => s - (clean[2 * RATE - LATE + i] ?? 0));
    expect(db(part(clean, 2, 4)) - db(error)).toBeGreaterThan(40);
  }
});

test("silence stays silence", () => {
  expect(rms(denoise(new Float32Array(RATE)))).toBe(0);
});
