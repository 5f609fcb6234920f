import { describe, expect, test } from "vitest";
import type { Grey } from "../vision/messages.ts";
import { grainOf, lightVerdict, type LightVerdict } from "./light.ts";
import { box, grainy, person, picture } from "./pictures.testing.ts";

const even = (value: number) => () => value;
/** A wall that is darker at the right. */
const wall = (left: number, right: number) => (x: number) => left + (right - left) * x;
const windowAt = (x: number, y: number) => (x > 0.65 && y < 0.7 ? 255 : 140);

describe("a face and the light on it", () => {
  const cases: readonly [string, Grey, LightVerdict["finding"], LightVerdict["light"]][] = [
    ["a lit face before a wall", person(even(150), wall(140, 110)), "good", "good"],
    ["dark skin, well lit", person(even(70), wall(140, 110)), "good", "good"],
    ["light skin, well lit", person(even(190), wall(140, 110)), "good", "good"],
    ["a dim lamp", person(even(75), even(60)), "dark", "fair"],
    ["the light of a screen alone", person(even(40), even(12)), "dark", "poor"],
    ["a window behind", person(even(60), windowAt), "backlit", "poor"],
    ["a window behind, and a lamp in front", person(even(125), windowAt), "backlit", "fair"],
    ["a face as bright as the window's light", person(even(160), windowAt), "good", "good"],
    ["a white wall behind", person(even(150), even(215)), "backlit", "fair"],
    ["dark skin before a wall that does not glare", person(even(70), even(180)), "good", "good"],
    ["a shadow before a lit wall", person(even(45), even(180)), "backlit", "fair"],
    ["a lamp too near", person(even(225), even(120)), "clipped", "fair"],
    ["a face without any drawing", person(even(255), even(120)), "clipped", "poor"],
    ["a lamp at one side", person((x) => (x < 0.5 ? 180 : 95), even(110)), "sidelit", "fair"],
    ["a little more light at one side", person((x) => (x < 0.5 ? 160 : 120), even(110)), "good", "good"],
  ];
  test.each(cases)("%s", (_, seen, finding, light) => {
    expect(lightVerdict(seen, box)).toMatchObject({ finding, light });
  });
});

describe("a picture without a known face", () => {
  const cases: readonly [string, Grey, LightVerdict["finding"], LightVerdict["light"]][] = [
    ["an ordinary place", picture(wall(160, 90)), "good", "good"],
    ["evening", picture(even(55)), "dark", "fair"],
    ["night", picture(even(20)), "dark", "poor"],
    ["somebody before a window", person(even(50), even(240)), "backlit", "fair"],
    ["a lamp into the camera", picture((x) => (x < 0.5 ? 255 : 160)), "clipped", "fair"],
  ];
  test.each(cases)("%s", (_, seen, finding, light) => {
    expect(lightVerdict(seen, null)).toMatchObject({ finding, light });
  });
});

test("a camera's noise shows between two pictures, somebody who moves does not", () => {
  const place = person(even(150), wall(140, 110));
  const two = (deviation: number) => grainOf(grainy(place, deviation, 1), grainy(place, deviation, 2));
  for (const deviation of [3, 6, 12]) expect(Math.abs(two(deviation) / deviation - 1)).toBeLessThan(0.2);
  expect(grainOf(place, { ...place, pixels: place.pixels.map((v, i) => (i % 160 < 70 ? 255 - v : v)) })).toBe(0);
  expect(lightVerdict(place, box, two(1))).toMatchObject({ finding: "good" });
  expect(lightVerdict(place, box, two(12))).toMatchObject({ finding: "grainy", light: "fair" });
  // What explains the noise is said first.
  expect(lightVerdict(person(even(40), even(12)), box, two(12))).toMatchObject({ finding: "dark" });
});

test("more light is never called darker", () => {
  const rank = { good: 0, fair: 1, poor: 2, working: 3, unknown: 3 };
  let before = 3;
  for (let level = 5; level <= 180; level += 5) {
    const verdict = lightVerdict(person(even(level), even(level * 0.9)), box);
    expect(rank[verdict.light]).toBeLessThanOrEqual(before);
    before = rank[verdict.light];
  }
});
