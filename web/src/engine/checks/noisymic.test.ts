import { expect, test } from "vitest";
import { loudness } from "../meter.ts";
import { NoisyMic } from "./noisymic.ts";
import { add, atDb, RATE, voice, white } from "./signals.testing.ts";

/** What a meter shows of this sound, ten times a second, over and over until so many looks are had. */
function looks(samples: Float32Array, count: number): number[] {
  const rounds = Math.floor(samples.length / (RATE / 10)) - 1;
  return Array.from({ length: count }, (_, i) => {
    const at = ((i % rounds) * RATE) / 10;
    return loudness(samples.subarray(at, at + 1_024));
  });
}
const told = (mic: NoisyMic, levels: readonly number[]) => levels.filter((level) => mic.look(level)).length;

test("a vacuum cleaner is told, once", () => {
  const noisy = looks(add(atDb(voice(5), -28), atDb(white(5), -32)), 700);
  expect(told(new NoisyMic(), noisy)).toBe(1);
  expect(told(new NoisyMic(), looks(atDb(white(5), -35), 700))).toBe(1); // whoever listens, too
});

test("somebody who talks without end is no noise, and nor is a quiet place", () => {
  expect(told(new NoisyMic(), looks(add(atDb(voice(5), -26), atDb(white(5), -50)), 700))).toBe(0);
  expect(told(new NoisyMic(), looks(atDb(white(5), -55), 700))).toBe(0);
  // A fan, and a voice right at the microphone.
  expect(told(new NoisyMic(), looks(add(atDb(voice(5), -12), atDb(white(5), -41)), 700))).toBe(0);
});

test("half a minute has to be heard, and counts from the beginning with another microphone", () => {
  const noise = looks(atDb(white(5), -35), 290);
  const mic = new NoisyMic();
  expect(told(mic, noise)).toBe(0);
  mic.forget();
  expect(told(mic, noise)).toBe(0);
  expect(told(mic, noise)).toBe(1);
});
