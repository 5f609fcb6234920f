import { expect, test } from "vitest";
import { facesOf, greyOf } from "./faces.ts";

const points = Array.from({ length: 6 }, (_, i) => ({ x: i / 10, y: 0.5 }));
const box = { originX: 80, originY: 45, width: 160, height: 90, angle: 0 };
const category = (score: number) => [{ score, index: 0, categoryName: "", displayName: "" }];

test("places are parts of the picture, and the surest face comes first", () => {
  const faces = facesOf(
    [
      { boundingBox: { ...box, originX: 0 }, keypoints: points, categories: category(0.6) },
      { boundingBox: box, keypoints: points, categories: category(0.9) },
    ],
    320,
    180,
  );
  expect(faces.map((f) => f.score)).toEqual([0.9, 0.6]);
  expect(faces[0]?.box).toEqual({ x: 0.25, y: 0.25, width: 0.5, height: 0.5 });
  expect(faces[0]?.keypoints.leftEar).toEqual({ x: 0.5, y: 0.5 });
});

test("what lacks a box or a point is no face", () => {
  expect(facesOf([{ keypoints: points, categories: [] }], 1, 1)).toEqual([]);
  expect(facesOf([{ boundingBox: box, keypoints: points.slice(1), categories: [] }], 1, 1)).toEqual([]);
});

test("the grey picture takes the middle of each cell", () => {
  const [width, height] = [8, 4];
  const data = new Uint8ClampedArray(width * height * 4).fill(255);
  for (let i = 0; i < width * height; i++) if (i % width < 4) data.set([0, 0, 0], i * 4);
  const { pixels } = greyOf({ data, width, height } as ImageData, 2, 2);
  expect([...pixels]).toEqual([0, 255, 0, 255]);
});
