import { expect, test } from "vitest";
import { LOOK_MS, Talking } from "./talking.ts";

/** Looks at these levels, one after the other; the numbers of the looks at which it was told. */
function watch(talking: Talking, levels: number[], { muted = true, from = 0 } = {}): number[] {
  return levels.flatMap((level, i) => (talking.look(muted, level, from + i * LOOK_MS) ? [i] : []));
}
const speech = Array.from({ length: 40 }, (_, i) => (i % 4 === 3 ? 0.2 : 0.6)); // with pauses between syllables
const clicks = Array.from({ length: 40 }, (_, i) => (i % 5 === 0 ? 0.8 : 0.1));

test("speech is told once, within two seconds", () => {
  expect(watch(new Talking(), [...speech, ...speech])).toEqual([9]);
});

test("clicks, silence and an open microphone are nothing", () => {
  expect(watch(new Talking(), clicks)).toEqual([]);
  expect(
    watch(
      new Talking(),
      Array.from({ length: 40 }, () => 0.3),
    ),
  ).toEqual([]);
  expect(watch(new Talking(), speech, { muted: false })).toEqual([]);
});

test("muted again it is told again, but not before a minute has passed", () => {
  const talking = new Talking();
  expect(watch(talking, speech)).toHaveLength(1);
  watch(talking, [0.6], { muted: false });
  expect(watch(talking, speech, { from: 30_000 })).toEqual([]);
  watch(talking, [0.6], { muted: false });
  expect(watch(talking, speech, { from: 70_000 })).toHaveLength(1);
});
