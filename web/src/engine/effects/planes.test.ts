import { assert, integer, property, tuple } from "fast-check";
import { expect, test } from "vitest";
import { fromRgb, halve, newPicture, newPlane, shrink, splitColours, toRgb } from "./planes.ts";
import { resample, Stretches } from "./stretch.ts";

test("a picture of odd size has room for the colours of its last row and column", () => {
  const { y, u, v, data } = newPicture(5, 3);
  expect([y.data.length, u.data.length, v.data.length]).toEqual([15, 6, 6]);
  expect(data.length).toBe(27);
  v.data[5] = 9;
  expect(data[26]).toBe(9);
});

test("colours survive the way there and back", () => {
  const channel = integer({ min: 0, max: 255 });
  assert(
    property(tuple(channel, channel, channel), ([r, g, b]) => {
      const picture = newPicture(2, 2);
      fromRgb(
        Uint8Array.from({ length: 16 }, (_, i) => [r, g, b, 255][i % 4] as number),
        picture,
      );
      expect(Math.min(...picture.y.data)).toBeGreaterThanOrEqual(16);
      expect(Math.max(...picture.y.data)).toBeLessThanOrEqual(235);
      const back = new Uint8ClampedArray(16);
      toRgb(picture, back);
      for (const [i, value] of [r, g, b].entries()) expect(Math.abs((back[i] ?? 0) - value)).toBeLessThanOrEqual(4);
    }),
  );
});

test("blue may come first", () => {
  const [red, swapped] = [newPicture(2, 2), newPicture(2, 2)];
  fromRgb(
    Uint8Array.from({ length: 16 }, (_, i) => [200, 100, 50, 0][i % 4] as number),
    red,
  );
  fromRgb(
    Uint8Array.from({ length: 16 }, (_, i) => [50, 100, 200, 0][i % 4] as number),
    swapped,
    true,
  );
  expect(swapped.data).toEqual(red.data);
});

test("colours in turns are told apart", () => {
  const { u, v } = newPicture(4, 2);
  splitColours(Uint8Array.from([1, 2, 3, 4]), u, v);
  expect([[...u.data], [...v.data]]).toEqual([
    [1, 3],
    [2, 4],
  ]);
});

test("a smaller plane of one value has that value, at any size and factor", () => {
  const size = integer({ min: 1, max: 40 });
  assert(
    property(size, size, integer({ min: 1, max: 6 }), integer({ min: 0, max: 255 }), (w, h, factor, value) => {
      const from = newPlane(w, h);
      from.data.fill(value);
      const to = newPlane(Math.ceil(w / factor), Math.ceil(h / factor));
      shrink(from, to, factor);
      expect(to.data.every((sample) => sample === value)).toBe(true);
      const back = newPlane(w, h);
      resample(to, back, new Stretches());
      expect(back.data.every((sample) => Math.abs(sample - value) <= 1)).toBe(true);
    }),
  );
});

test("stretching keeps a slope a slope, and its ends", () => {
  const from = newPlane(4, 1);
  from.data.set([0, 80, 160, 240]);
  const to = newPlane(16, 1);
  resample(from, to, new Stretches());
  expect([to.data[0], to.data[15]]).toEqual([0, 240]);
  for (let x = 1; x < 16; x++) expect(to.data[x]).toBeGreaterThanOrEqual(to.data[x - 1] ?? 0);
  expect(to.data[7]).toBeCloseTo(110, -1);
});

test("half a picture is the mean of its fours", () => {
  const from = newPicture(4, 4);
  from.y.data.set([0, 4, 8, 8, 0, 4, 8, 8, 20, 20, 40, 44, 20, 20, 40, 44]);
  expect([...halve(from).y.data]).toEqual([2, 8, 20, 42]);
});
