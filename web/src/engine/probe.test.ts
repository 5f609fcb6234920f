import { expect, test } from "vitest";
import { Arrivals } from "./probe.ts";

function arrivals(every: number, missing: (n: number) => boolean = () => false) {
  const tally = new Arrivals();
  for (let n = 0; n < 100; n++) if (!missing(n)) tally.add(n, 1_200, n * every);
  return tally.sum();
}

test("the rate is what came in the best quarter of a second", () => {
  expect(arrivals(10).kbps).toBeGreaterThan(950); // 1200 bytes each 10 ms: 960 kbit/s
  expect(arrivals(10).kbps).toBeLessThan(1_010);
  const tally = new Arrivals();
  for (let n = 0; n < 20; n++) tally.add(n, 1_200, n * 50); // feeling its way
  for (let n = 20; n < 100; n++) tally.add(n, 1_200, 1_000 + (n - 20) * 5);
  expect(tally.sum().kbps).toBeGreaterThan(1_850);
});

test("what is missing before the last one that came is lost", () => {
  expect(arrivals(5).loss).toBe(0);
  expect(arrivals(5, (n) => n % 5 === 1).loss).toBeCloseTo(0.2, 1);
  expect(arrivals(5, (n) => n > 40).loss).toBe(0);
});

test("nothing at all, and everything at once", () => {
  expect(new Arrivals().sum()).toEqual({ kbps: 0, loss: 0 });
  expect(arrivals(0).kbps).toBe(960_000);
});
