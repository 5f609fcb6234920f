import { expect, test } from "vitest";
import { retryDelay, returnDelay } from "./backoff.ts";

test("doubles up to a limit, half of it random", () => {
  expect([0, 1, 2, 3, 20].map((n) => retryDelay(n, () => 0))).toEqual([150, 300, 600, 1200, 7500]);
  expect([0, 1, 2, 3, 20].map((n) => retryDelay(n, () => 1))).toEqual([300, 600, 1200, 2400, 15_000]);
});

test("comes back when the server said, spread over a second", () => {
  expect(returnDelay(5_000, () => 0)).toBe(5_000);
  expect(returnDelay(5_000, () => 1)).toBe(6_000);
  expect(returnDelay(3_600_000, () => 0)).toBe(60_000);
});
