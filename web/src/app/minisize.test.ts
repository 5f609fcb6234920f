import { expect, test } from "vitest";
import { miniSize } from "./minisize.ts";

test.each([
  ["no picture yet", { width: 0, height: 0 }, { width: 384, height: 280 }],
  ["a camera", { width: 1280, height: 720 }, { width: 384, height: 280 }],
  ["an old camera", { width: 640, height: 480 }, { width: 288, height: 280 }],
  ["a phone held upright", { width: 720, height: 1280 }, { width: 240, height: 384 }],
])("%s", (_, picture, want) => {
  expect(miniSize(picture)).toEqual(want);
});
