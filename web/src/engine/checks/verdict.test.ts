import { expect, test } from "vitest";
import { dimmest, type Verdict } from "./verdict.ts";

test("what needs attention most stands for all", () => {
  const verdicts: Verdict<string>[] = [
    { light: "good", finding: "good" },
    { light: "fair", finding: "quiet", values: { speechDb: -48 } },
    { light: "working", finding: "listening" },
  ];
  const lights = verdicts.map((v) => v.light);
  expect(dimmest(lights)).toBe("fair");
  expect(dimmest([...lights, "poor"])).toBe("poor");
  expect(dimmest(["good", "unknown"])).toBe("unknown");
  expect(dimmest([])).toBe("good");
});
