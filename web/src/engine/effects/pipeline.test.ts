import { expect, test } from "vitest";
import { compose, shown } from "./compose.ts";
import { Light, brightness, exponentFor } from "./light.ts";
import { Mask, SEEN } from "./mask.ts";
import { Pipeline, type Background } from "./pipeline.ts";
import { newPicture, newPlane } from "./planes.ts";
import { Softener } from "./soften.ts";
import { Stretches } from "./stretch.ts";

const effort = { every: 1, half: false };
/** The person is the left half of the picture. */
const leftHalf = Float32Array.from({ length: SEEN.width * SEEN.height }, (_, i) =>
  i % SEEN.width < SEEN.width / 2 ? 1 : 0,
);
const grey = (value: number, width = 64, height = 36) => {
  const picture = newPicture(width, height);
  picture.y.data.fill(value);
  picture.u.data.fill(128);
  picture.v.data.fill(128);
  return picture;
};
const black: Background = { at: (width, height) => grey(16, width, height) };

test("an edge is soft between doubt and certainty, and hard nowhere", () => {
  expect([shown[0], shown[101], shown[179], shown[255]]).toEqual([0, 0, 256, 256]);
  for (let i = 1; i < 256; i++) expect((shown[i] ?? 0) - (shown[i - 1] ?? 0)).toBeLessThan(8);
});

test("the person stays as they are, the rest is replaced, at any size", () => {
  for (const [width, height] of [
    [64, 36],
    [641, 363],
    [37, 64],
  ] as const) {
    const out = new Pipeline().run(
      grey(200, width, height),
      { background: black, light: false, effort },
      () => leftHalf,
    );
    for (const y of [0, height >> 1, height - 1]) {
      const row = out.y.data.subarray(y * width, (y + 1) * width);
      expect(row[0]).toBe(200);
      expect(row[Math.floor(width * 0.45)]).toBe(200);
      expect(row[Math.ceil(width * 0.55)]).toBe(16);
      expect(row[width - 1]).toBe(16);
    }
  }
});

test("nothing of the room shows before the person is found", () => {
  const pipeline = new Pipeline();
  const out = pipeline.run(grey(200), { background: black, light: false, effort }, null);
  expect(out.y.data.every((value) => value === 16)).toBe(true);
  pipeline.run(grey(200), { background: black, light: false, effort }, () => leftHalf);
  pipeline.forget(); // another camera
  const other = pipeline.run(grey(200), { background: black, light: false, effort }, null);
  expect(other.y.data.every((value) => value === 16)).toBe(true);
});

test("the person is looked for as often as is wanted", () => {
  const pipeline = new Pipeline();
  let looked = 0;
  const find = () => (looked++, leftHalf);
  for (let i = 0; i < 9; i++)
    pipeline.run(grey(200), { background: black, light: false, effort: { every: 3, half: false } }, find);
  expect(looked).toBe(3);
});

test("a busy machine gets a picture of half the size, a small one stays", () => {
  const half = { every: 3, half: true };
  const wanted = { background: black, light: false, effort: half };
  expect(new Pipeline().run(grey(200, 1280, 720), wanted, null).y.width).toBe(640);
  expect(new Pipeline().run(grey(200, 640, 360), wanted, null).y.width).toBe(640);
});

test("what flickers in the network's answer is calmed", () => {
  const mask = new Mask();
  const one = new Float32Array(SEEN.width * SEEN.height).fill(1);
  const none = new Float32Array(SEEN.width * SEEN.height);
  mask.learn(one);
  expect(mask.plane.data[0]).toBe(255); // the first is taken as it is
  mask.learn(none);
  expect(mask.plane.data[0]).toBe(102);
  mask.learn(one);
  expect(mask.plane.data[0]).toBeGreaterThan(178); // and shows again at once
});

test("a blur spreads what is behind the person, not the person", () => {
  const [width, height] = [40, 20];
  const [plane, person] = [newPlane(width, height), newPlane(width, height)];
  // A bright person on the left before a dark room with one lamp.
  for (let i = 0; i < plane.data.length; i++) {
    const x = i % width;
    plane.data[i] = x < 20 ? 250 : x === 35 ? 200 : 50;
    person.data[i] = x < 20 ? 255 : 0;
  }
  const softener = new Softener(width, height);
  softener.weigh(person, 4);
  softener.soften(plane, 4);
  const row = plane.data.subarray(10 * width, 11 * width);
  expect(row[21]).toBeLessThan(56); // no glow around her
  expect(row[35]).toBeLessThan(100); // the lamp is spread
  expect(row[32]).toBeGreaterThan(60);
});

test("blurring one value changes nothing, whatever the radius", () => {
  for (const radius of [1, 4, 50]) {
    const plane = newPlane(17, 9);
    plane.data.fill(77);
    const softener = new Softener(17, 9);
    softener.weigh(newPlane(17, 9), radius);
    softener.soften(plane, radius);
    expect(plane.data.every((value) => value === 77)).toBe(true);
  }
});

test("planes of one sample can stand behind any picture", () => {
  const plane = newPlane(9, 5);
  const behind = newPlane(1, 1);
  behind.data[0] = 42;
  compose(plane, newPlane(4, 4), behind, new Stretches());
  expect(plane.data.every((value) => value === 42)).toBe(true);
});

test("only what is dark is lifted, and not beyond a limit", () => {
  expect(exponentFor(0.5)).toBe(1);
  expect(exponentFor(0.33)).toBe(1);
  expect(exponentFor(0.2)).toBeLessThan(0.7);
  expect(exponentFor(0)).toBe(0.5);
});

test("a dark face before a bright window counts as dark", () => {
  const [luma, person] = [newPlane(10, 10), newPlane(10, 10)];
  luma.data.fill(230);
  for (let i = 0; i < 30; i++) {
    luma.data[i] = 40;
    person.data[i] = 255;
  }
  expect(brightness(luma, null)).toBeGreaterThan(0.6);
  expect(brightness(luma, person)).toBeLessThan(0.15);
});

test("light comes gently, leaves black and white alone and takes the colours along", () => {
  const light = new Light();
  const dark = grey(40);
  const once = grey(40);
  light.read(dark.y, null, new Stretches());
  light.lift(once);
  expect(once.y.data[0]).toBeLessThan(50);
  for (let i = 0; i < 100; i++) light.read(dark.y, null, new Stretches());
  const lifted = grey(40);
  lifted.y.data.set([16, 235, 90]);
  lifted.u.data[0] = 108;
  light.lift(lifted);
  expect([...lifted.y.data.subarray(0, 2)]).toEqual([16, 235]);
  expect(lifted.y.data[2]).toBeGreaterThan(120);
  expect(lifted.y.data[3]).toBeGreaterThan(75);
  expect(lifted.u.data[0]).toBeLessThan(108);
  for (let i = 0; i < 200; i++) light.read(grey(150).y, null, new Stretches());
  const bright = grey(40);
  light.lift(bright);
  expect(bright.y.data[0]).toBe(40);
});
