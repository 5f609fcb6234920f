import { expect, test } from "vitest";
import { chooseFit } from "./video.ts";

const desktop = { width: 1440, height: 900 };
const phone = { width: 390, height: 844 };

test.each([
  ["16:9 on a desktop", { width: 1280, height: 720 }, desktop, "cover"],
  ["4:3 on a desktop", { width: 640, height: 480 }, desktop, "cover"],
  ["a phone picture on a desktop", { width: 720, height: 1280 }, desktop, "contain"],
  ["a phone picture on a phone", { width: 720, height: 1280 }, phone, "cover"],
  ["16:9 on a phone", { width: 1280, height: 720 }, phone, "contain"],
  ["no picture yet", { width: 0, height: 0 }, phone, "cover"],
] as const)("%s", (_, picture, box, want) => {
  expect(chooseFit(picture, box)).toBe(want);
});
