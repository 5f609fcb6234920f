import { expect, test } from "vitest";
import { Hints, type Hint } from "./hints.ts";

/** What is said when this is found every ten seconds. */
function said(...found: Hint[]): [seconds: number, hint: Hint][] {
  const hints = new Hints();
  return found.flatMap((finding, i) => (hints.take(finding, i * 10_000) ? [[i * 10, finding] as [number, Hint]] : []));
}
const times = (n: number, finding: Hint) => Array<Hint>(n).fill(finding);

test("what was seen once may be a passing cloud", () => {
  expect(said("dark", "good", "aside", "close")).toEqual([]);
  expect(said("dark", "dark")).toEqual([[10, "dark"]]);
});

test("at most one in a minute", () => {
  expect(said(...times(3, "dark"), ...times(8, "aside"))).toEqual([
    [10, "dark"],
    [70, "aside"],
  ]);
});

test("the same again only after ten minutes", () => {
  expect(said(...times(65, "tilted"))).toEqual([
    [10, "tilted"],
    [610, "tilted"],
  ]);
});

test.each<Hint>(["good", "looking", "nobody", "several", "grainy", "small", "slow"])(
  "%s is not worth a word",
  (finding) => {
    expect(said(...times(10, finding))).toEqual([]);
  },
);
