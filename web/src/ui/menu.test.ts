import { expect, test } from "vitest";
import { nextItem } from "./menu.ts";

const labels = ["Deutsch", "English", "Español", "العربية"];

test.each([
  ["ArrowDown", 0, 1],
  ["ArrowDown", 3, 0],
  ["ArrowUp", 0, 3],
  ["Home", 2, 0],
  ["End", 0, 3],
  ["e", 0, 1],
  ["e", 1, 2], // the next one that starts with it
  ["e", 2, 1],
  ["E", 0, 1],
  ["ا", 0, 3],
  ["x", 0, null],
  ["Enter", 0, null],
  [" ", 0, null],
])("%j from %i goes to %s", (key, from, to) => {
  expect(nextItem(key, from, labels)).toBe(to);
});

test("an empty menu goes nowhere", () => {
  expect(nextItem("ArrowDown", -1, [])).toBeNull();
});
