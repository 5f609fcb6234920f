import { expect, test } from "vitest";
import type { Face, Point } from "../vision/messages.ts";
import { FacingMeter, poseOf, referenceOf, type Pose } from "./facing.ts";

/** A head of points in space, 1 between the eyes, seen from the front: turned, nodded and tilted by degrees. */
function seen({ turn = 0, nod = 0, tilt = 0 }, aspect = 16 / 9): Face {
  const [a, b, c] = [turn, nod, tilt].map((deg) => (deg * Math.PI) / 180) as [number, number, number];
  const at = (x: number, y: number, z: number): Point => {
    const [x1, z1] = [x * Math.cos(a) + z * Math.sin(a), z * Math.cos(a) - x * Math.sin(a)];
    const y1 = y * Math.cos(b) + z1 * Math.sin(b);
    const [x2, y2] = [x1 * Math.cos(c) - y1 * Math.sin(c), x1 * Math.sin(c) + y1 * Math.cos(c)];
    return { x: 0.5 + (0.1 * x2) / aspect, y: 0.4 + 0.1 * y2 };
  };
  const keypoints = {
    rightEye: at(-0.5, 0, 0),
    leftEye: at(0.5, 0, 0),
    nose: at(0, 0.6, 0.5),
    mouth: at(0, 1.1, 0.15),
    rightEar: at(-1, 0.2, -1),
    leftEar: at(1, 0.2, -1),
  };
  return { box: { x: 0.4, y: 0.3, width: 0.2, height: 0.3 }, keypoints, score: 1 };
}

const pose = (how: Parameters<typeof seen>[0], aspect?: number) => poseOf(seen(how, aspect), aspect ?? 16 / 9) as Pose;

test("a face from the front has its nose in the middle, in a picture of any shape", () => {
  for (const aspect of [16 / 9, 4 / 3, 9 / 16]) {
    expect(pose({}, aspect).turn).toBeCloseTo(0);
    expect(pose({}, aspect).nod).toBeCloseTo(0.6 / 1.1);
  }
});

test("a tilted head is turned no further", () => {
  for (const tilt of [-30, 20]) {
    expect(pose({ tilt }).turn).toBeCloseTo(0);
    expect(pose({ tilt }).nod).toBeCloseTo(0.6 / 1.1);
  }
});

test("points that cannot be a face have no pose", () => {
  const face = seen({});
  const { keypoints } = face;
  expect(poseOf({ ...face, keypoints: { ...keypoints, leftEye: keypoints.rightEye } }, 1)).toBeNull();
  expect(poseOf({ ...face, keypoints: { ...keypoints, mouth: keypoints.leftEye } }, 1)).toBeNull();
});

test("the reference is the middle of what was seen: one blink or turn does not count", () => {
  const reference = referenceOf([pose({}), pose({ turn: 40 }), pose({ nod: 1 })]);
  expect(reference.turn).toBeCloseTo(0);
});

/** So many seconds of looks, two a second, in each pose one after the other. */
function watch(reference: Pose, ...spans: [seconds: number, how: Parameters<typeof seen>[0] | null][]) {
  const meter = new FacingMeter(reference);
  let at = 0;
  for (const [seconds, how] of spans)
    for (let i = 0; i < seconds * 2; i++, at += 500) meter.take(how && poseOf(seen(how), 16 / 9), at);
  return meter.share;
}

test.each<[string, Parameters<typeof seen>[0], boolean]>([
  ["straight on", {}, true],
  ["a little aside", { turn: 8 }, true],
  ["at a second screen", { turn: 30 }, false],
  ["the other way", { turn: -30 }, false],
  ["at the desk", { nod: 25 }, false],
  ["tilted", { tilt: 15 }, true],
])("%s", (_, how, facing) => {
  expect(watch(pose({}), [20, how])).toBe(facing ? 1 : 0);
});

test("a lens that is not straight on: what counts is how the person looks into it", () => {
  const lens = pose({ turn: 25, nod: -10 });
  expect(watch(lens, [20, { turn: 25, nod: -10 }])).toBe(1);
  expect(watch(lens, [20, {}])).toBe(0);
});

test("a share of the last minute, and of the time in which somebody was there", () => {
  expect(watch(pose({}), [15, {}], [15, { turn: 40 }])).toBeCloseTo(0.5, 1);
  expect(watch(pose({}), [60, { turn: 40 }], [60, {}])).toBe(1);
  expect(watch(pose({}), [15, {}], [20, null])).toBe(1);
});

/** What the detector says of pictures of a man who talks (640 by 512): eyes, nose, mouth. */
const man = {
  straight: [0.4512, 0.4846, 0.6186, 0.4307, 0.5515, 0.5508, 0.5724, 0.6717],
  smiling: [0.4166, 0.4777, 0.59, 0.4449, 0.5188, 0.5838, 0.5331, 0.6985],
  "turned to his left": [0.5562, 0.4842, 0.722, 0.5026, 0.6643, 0.6444, 0.6397, 0.7454],
  "a little less": [0.5211, 0.4854, 0.6844, 0.4781, 0.6385, 0.6243, 0.6248, 0.7307],
  "looking down": [0.4876, 0.5467, 0.6536, 0.555, 0.5865, 0.7161, 0.5718, 0.806],
  "looking down to his right": [0.3903, 0.5255, 0.558, 0.4991, 0.4522, 0.6613, 0.4809, 0.771],
} as const;

function poseOfMan(name: keyof typeof man): Pose {
  const [a, b, c, d, e, f, g, h] = man[name];
  const keypoints = {
    rightEye: { x: a, y: b },
    leftEye: { x: c, y: d },
    nose: { x: e, y: f },
    mouth: { x: g, y: h },
    rightEar: { x: 0, y: 0 },
    leftEar: { x: 0, y: 0 },
  };
  return poseOf({ box: { x: 0.3, y: 0.3, width: 0.4, height: 0.5 }, keypoints, score: 1 }, 640 / 512) as Pose;
}

test.each<[keyof typeof man, boolean]>([
  ["straight", true],
  ["smiling", true],
  ["turned to his left", false],
  ["a little less", false],
  ["looking down", false],
  ["looking down to his right", false],
])("a man who was taught straight on: %s", (name, facing) => {
  const meter = new FacingMeter(poseOfMan("straight"));
  for (let at = 0; at <= 20_000; at += 500) meter.take(poseOfMan(name), at);
  expect(meter.share).toBe(facing ? 1 : 0);
});

test("too little says nothing, nor does a minute without anybody", () => {
  expect(watch(pose({}), [9, {}])).toBeNull();
  expect(watch(pose({}), [30, {}], [90, null])).toBeNull();
});
