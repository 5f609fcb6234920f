import { expect, test } from "vitest";
import type { Face } from "../vision/messages.ts";
import { framingVerdict, type FramingFinding } from "./framing.ts";
import { face } from "./pictures.testing.ts";
import { Steady } from "./steady.ts";
import type { Verdict } from "./verdict.ts";

const cases: readonly [string, readonly Face[], FramingFinding][] = [
  ["head and shoulders, in the middle", [face()], "good"],
  ["nobody", [], "nobody"],
  ["two people", [face({ x: 0.2 }), face({ x: 0.6 })], "several"],
  ["somebody before a portrait on the wall", [face({ x: 0.9, width: 0.05, height: 0.1 }), face()], "good"],
  ["a face that fills the picture", [face({ x: 0.3, y: 0.1, width: 0.4, height: 0.7 })], "close"],
  ["across the place", [face({ x: 0.46, width: 0.08, height: 0.15 })], "far"],
  ["at the left", [face({ x: 0.2 })], "aside"],
  ["at the right", [face({ x: 0.65 })], "aside"],
  ["a little beside the middle", [face({ x: 0.52 })], "good"],
  ["under the upper edge", [face({ y: 0.05 })], "high"],
  ["only a head at the bottom", [face({ y: 0.5 })], "low"],
  ["a head on one side", [face({}, 15)], "tilted"],
  ["a head on the other", [face({}, -15)], "tilted"],
  ["as straight as people sit", [face({}, 5)], "good"],
];

test.each(cases)("%s", (_, faces, finding) => {
  const { light, finding: found } = framingVerdict(faces, 16 / 9);
  expect(found).toBe(finding);
  expect(light).toBe(finding === "good" || finding === "several" ? "good" : "fair");
});

test("degrees are those of the picture, not of a square", () => {
  expect(framingVerdict([face({}, 20)], 16 / 9).values?.["rollDeg"]).toBeCloseTo(20, 0);
});

test("what is shown stays until it has been away for three seconds", () => {
  const steady = new Steady<string>();
  const verdict = (finding: string): Verdict<string> => ({
    light: finding === "looking" ? "working" : "fair",
    finding,
  });
  const shown = (finding: string, at: number) => steady.take(verdict(finding), at).finding;
  expect(shown("looking", 0)).toBe("looking");
  expect(shown("good", 500)).toBe("good"); // the first thing known is told at once
  expect(shown("aside", 1_000)).toBe("good");
  expect(shown("aside", 3_000)).toBe("good");
  expect(shown("good", 3_400)).toBe("good"); // back in time: begins anew
  expect(shown("aside", 6_300)).toBe("good");
  expect(shown("aside", 6_400)).toBe("aside");
  // Several other things in turns are not what was shown, either.
  expect(shown("far", 8_000)).toBe("aside");
  expect(shown("low", 9_400)).toBe("low");
});
