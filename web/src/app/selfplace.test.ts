import { expect, test } from "vitest";
import { moveByDrag, moveByKey, nextStop } from "./selfplace.ts";

test("arrow keys move it and stop at the edge", () => {
  expect(moveByKey({ x: 0.5, y: 0 }, "ArrowLeft")).toEqual({ x: 0.45, y: 0 });
  expect(moveByKey({ x: 0.5, y: 0 }, "ArrowUp")).toEqual({ x: 0.5, y: 0 });
  expect(moveByKey({ x: 0.5, y: 0 }, "Enter")).toBeNull();
});

test("a drag follows the pointer and stays inside", () => {
  expect(moveByDrag({ x: 0.5, y: 0 }, 100, 50, { width: 1000, height: 500 })).toEqual({ x: 0.6, y: 0.1 });
  expect(moveByDrag({ x: 0.5, y: 0 }, 9999, -9999, { width: 1000, height: 500 })).toEqual({ x: 1, y: 0 });
  expect(moveByDrag({ x: 0.5, y: 0 }, 10, 10, { width: 0, height: 0 })).toEqual({ x: 0.5, y: 0 });
});

test("presses go round the corners and back under the lens", () => {
  let place = { x: 0.5, y: 0 };
  const seen = Array.from({ length: 5 }, () => (place = nextStop(place)));
  expect(seen).toEqual([
    { x: 1, y: 0 },
    { x: 1, y: 1 },
    { x: 0, y: 1 },
    { x: 0, y: 0 },
    { x: 0.5, y: 0 },
  ]);
});
