import { expect, test } from "vitest";
import { duration, relativeTime } from "./format.ts";
import { chooseLocale } from "./choose.ts";

test.each([
  [null, [], "en"],
  [null, ["de-AT", "en"], "de"],
  [null, ["nl", "fr-CA", "en"], "fr"],
  [null, ["nl", "pt"], "en"],
  ["ar", ["de"], "ar"],
  ["tlh", ["es-419"], "es"],
] as const)("stored %j, browser %j: %s", (stored, preferred, locale) => {
  expect(chooseLocale(stored, preferred)).toBe(locale);
});

test("relative times use the largest unit that fits", () => {
  const now = Date.UTC(2026, 0, 10);
  const at = (ms: number) => relativeTime("en", now + ms, now);
  expect([at(-30_000), at(-90_000), at(-7_200_000), at(-86_400_000), at(3 * 86_400_000)]).toEqual([
    "now",
    "1 minute ago",
    "2 hours ago",
    "yesterday",
    "in 3 days",
  ]);
});

test("durations are whole units", () => {
  expect([15, 60, 90, 24 * 60, 7 * 24 * 60].map((min) => duration("en", min * 60_000))).toEqual([
    "15 minutes",
    "1 hour",
    "90 minutes",
    "1 day",
    "7 days",
  ]);
});
