import { expect, test } from "vitest";
import { Budget, percentile } from "./budget.ts";

/** Feeds frames until something changes; how many it took, or null after `most`. */
function until(budget: Budget, ms: number | (() => number), most = 20_000): number | null {
  for (let frames = 1; frames <= most; frames++) {
    if (budget.count(typeof ms === "number" ? ms : ms())) return frames;
  }
  return null;
}

test("a machine that is quick enough is left alone", () => {
  const budget = new Budget();
  expect(until(budget, 32, 1000)).toBeNull();
  expect(budget.effort).toEqual({ every: 1, half: false });
});

test("a slow one does less and less, and nothing in the end", () => {
  const budget = new Budget();
  const seen = [];
  for (let i = 0; i < 4; i++) {
    expect(until(budget, 40)).not.toBeNull();
    seen.push({ ...budget.effort, step: budget.step, off: budget.off });
  }
  expect(seen).toEqual([
    { every: 2, half: false, step: 1, off: false },
    { every: 3, half: false, step: 2, off: false },
    { every: 3, half: true, step: 3, off: false },
    { every: 3, half: true, step: 3, off: true },
  ]);
  expect(until(budget, 1)).toBeNull();
});

test("with the least effort a few seconds of trouble do not end it, ten do", () => {
  const budget = new Budget();
  for (let i = 0; i < 3; i++) until(budget, 40);
  expect(until(budget, 40, 250)).toBeNull();
  expect(until(budget, 22, 60)).toBeNull(); // better for a while
  expect(until(budget, 40, 250)).toBeNull();
  expect(budget.off).toBe(false);
  expect(until(budget, 40, 150)).not.toBeNull();
  expect(budget.off).toBe(true);
});

test("one slow frame in sixty is no reason, four are", () => {
  const every = (nth: number) => {
    let i = 0;
    return () => (++i % nth === 0 ? 200 : 10);
  };
  expect(until(new Budget(), every(60), 2000)).toBeNull();
  expect(until(new Budget(), every(15), 2000)).toBe(60);
});

test("a frame in which the person is looked for may take longer when others take less", () => {
  const budget = new Budget();
  until(budget, 40);
  expect(budget.effort.every).toBe(2);
  let i = 0;
  expect(until(budget, () => (i++ % 2 ? 20 : 44), 300)).toBeNull(); // 32 on average
  expect(until(budget, () => (i++ % 2 ? 24 : 44), 300)).not.toBeNull();
});

test("what was too much is tried again after a while, and later each time it is too much again", () => {
  const budget = new Budget();
  until(budget, 40);
  const first = until(budget, 5) ?? 0;
  expect(budget.step).toBe(0);
  expect(first).toBeGreaterThanOrEqual(300);
  until(budget, 40);
  const second = until(budget, 5) ?? 0;
  expect(second).toBeGreaterThanOrEqual(2 * 300);
  // Once it has proven itself the next trouble is a new one.
  expect(until(budget, 5, 1000)).toBeNull();
  until(budget, 40);
  expect(until(budget, 5)).toBeLessThan(second);
});

test("just within the limit is not easy: nothing more is tried", () => {
  const budget = new Budget();
  until(budget, 40);
  expect(until(budget, 25, 5000)).toBeNull();
});

test("percentiles", () => {
  const values = Array.from({ length: 100 }, (_, i) => 100 - i);
  expect(percentile(values, 0.95)).toBe(95);
  expect(percentile([7], 0.5)).toBe(7);
  expect(percentile([], 0.5)).toBe(0);
});
