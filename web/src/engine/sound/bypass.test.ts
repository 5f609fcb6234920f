import { expect, test } from "vitest";
import { Bypass } from "./bypass.ts";

const power = (db: number) => 10 ** (db / 10);

/** A second of words, half a second of pause, and so on; the shares of the last word and the last pause. */
function converse(voiceDb: number, noiseDb: number, bypass = new Bypass()): { word: number; pause: number } {
  let word = 0;
  let pause = 0;
  for (let round = 0; round < 6; round++) {
    for (let i = 0; i < 100; i++) word = bypass.next(power(voiceDb), power(voiceDb), 0.95);
    for (let i = 0; i < 50; i++) pause = bypass.next(power(noiseDb), power(noiseDb - 30), 0.02);
  }
  return { word, pause };
}

test("in noise everything is cleaned", () => {
  expect(converse(-26, -30)).toEqual({ word: 0, pause: 0 });
  const { word, pause } = converse(-26, -36);
  expect(word).toBeLessThan(0.4); // what is left is 9 dB below the noise, and that below the voice
  expect(pause).toBe(0);
});

test("a little noise is masked by words, and taken out of the pauses", () => {
  const { word, pause } = converse(-26, -47);
  expect(word).toBeGreaterThan(0.9);
  expect(pause).toBe(0);
});

test("in a quiet place nothing is touched", () => {
  expect(converse(-26, -70)).toEqual({ word: 1, pause: 1 });
});

test("it follows: a fan that is switched on, and off again", () => {
  const bypass = new Bypass();
  expect(converse(-26, -70, bypass).word).toBe(1);
  expect(converse(-26, -32, bypass).word).toBeLessThan(0.2);
  expect(converse(-26, -70, bypass).word).toBe(1);
});

test("the end of a word has less of the noise than its loudest vowel", () => {
  const bypass = new Bypass();
  const { word } = converse(-26, -40, bypass);
  let end = 1;
  for (let i = 0; i < 10; i++) end = bypass.next(power(-36), power(-38), 0.9);
  expect(word).toBeGreaterThan(0.4);
  expect(end).toBe(0);
});

test("a blow on the keys while somebody speaks is no loud voice", () => {
  const bypass = new Bypass();
  const before = converse(-26, -36, bypass).word;
  let during = 1;
  for (let i = 0; i < 3; i++) during = bypass.next(power(-12), power(-26), 0.95);
  expect(during).toBeLessThanOrEqual(before);
});

test("the mix never jumps", () => {
  const bypass = new Bypass();
  let before = 0;
  for (let i = 0; i < 400; i++) {
    const speaking = i % 150 < 100;
    const now = power(speaking ? -26 : -46);
    const share = bypass.next(now, now, speaking ? 1 : 0);
    expect(Math.abs(share - before)).toBeLessThanOrEqual(0.35);
    before = share;
  }
});
