import { expect, test } from "vitest";
import type { Grey } from "../vision/messages.ts";
import { CameraCheck, rateOf, type CameraSample, type CameraVerdict } from "./camera.ts";
import { grainy, picture } from "./pictures.testing.ts";

const place = picture((x, y) => 60 + 100 * x + 40 * y);
const every = (ms: number) => Array<number>(30).fill(ms);

/** Four seconds, four samples in each. */
function judge(
  pictures: (i: number) => Grey | null,
  more: Partial<CameraSample> = {},
  seconds = 4,
): CameraVerdict["finding"] | [CameraVerdict["finding"], CameraVerdict["light"]] {
  const check = new CameraCheck();
  for (let i = 0; i <= seconds * 4; i++) {
    check.push({ at: i * 250, picture: pictures(i), width: 1280, height: 720, intervals: every(33), ...more });
  }
  const { finding, light } = check.verdict;
  return [finding, light];
}

const live = (i: number) => grainy(place, 2, i + 1);

test.each<[string, ReturnType<typeof judge>, CameraVerdict["finding"], CameraVerdict["light"]]>([
  ["a camera", judge(live), "good", "good"],
  ["a camera of a browser that does not tell its rate", judge(live, { intervals: [] }), "good", "good"],
  ["a phone held upright", judge(live, { width: 720, height: 1280 }), "good", "good"],
  ["half a second of it", judge(live, {}, 0.5), "looking", "working"],
  ["the same picture again and again", judge(() => place), "frozen", "poor"],
  ["a picture, and then none", judge((i) => (i === 0 ? place : null)), "frozen", "poor"],
  ["not one picture", judge(() => null), "frozen", "poor"],
  ["a stop of a second", judge((i) => live(Math.min(i, 12))), "good", "good"],
  ["black", judge(() => picture(() => 16)), "covered", "poor"],
  [
    "a cap, and a sensor that amplifies nothing",
    judge((i) =>
      grainy(
        picture(() => 22),
        8,
        i + 1,
      ),
    ),
    "covered",
    "poor",
  ],
  [
    "a dark place with a lamp far away",
    judge((i) =>
      grainy(
        picture((x) => (x > 0.9 ? 60 : 12)),
        3,
        i + 1,
      ),
    ),
    "good",
    "good",
  ],
  [
    "a grey wall, lit",
    judge((i) =>
      grainy(
        picture(() => 120),
        2,
        i + 1,
      ),
    ),
    "good",
    "good",
  ],
  ["320 by 240", judge(live, { width: 320, height: 240 }), "small", "fair"],
  ["160 by 120", judge(live, { width: 160, height: 120 }), "small", "poor"],
  ["8 pictures a second", judge(live, { intervals: every(125) }), "slow", "fair"],
  ["12 pictures a second", judge(live, { intervals: every(83) }), "good", "good"],
  ["4 pictures a second", judge(live, { intervals: every(250) }), "slow", "poor"],
])("%s", (_, found, finding, light) => {
  expect(found).toEqual([finding, light]);
});

test("a camera that comes back is told at once", () => {
  const check = new CameraCheck();
  const push = (at: number, seen: Grey) =>
    check.push({ at, picture: seen, width: 1280, height: 720, intervals: every(33) });
  for (let at = 0; at <= 4_000; at += 250) push(at, place);
  expect(check.verdict.finding).toBe("frozen");
  push(4_250, live(1));
  expect(check.verdict.finding).toBe("good");
});

test("a machine that is late does not make the camera slow", () => {
  // Of 30 a second two in three are lost here and there; a third of the time is as it should be.
  expect(rateOf([33, 33, 100, 33, 133, 100, 66, 33, 100])).toBeCloseTo(30, 0);
  expect(rateOf(every(100))).toBeCloseTo(10);
  expect(rateOf([33, 33])).toBeNull();
});
