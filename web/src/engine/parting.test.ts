import { expect, test } from "vitest";
import { endsCall } from "./parting.ts";

const now = 1_000_000;
const over = (reason: "hangup" | "limit" | "differ" | "removed" | "error", mine: boolean) => ({
  reason,
  mine,
  code: null,
});

test("the host ends the call; a guest only leaves it", () => {
  expect(endsCall(over("hangup", true), null, now)).toBe(true);
  expect(endsCall(over("hangup", false), null, now)).toBe(false);
  expect(endsCall(over("removed", true), null, now)).toBe(false);
  expect(endsCall(over("error", true), null, now)).toBe(false);
  expect(endsCall(over("error", false), null, now)).toBe(false);
});

test("words that differ end it, whoever says so", () => {
  expect(endsCall(over("differ", true), null, now)).toBe(true);
  expect(endsCall(over("differ", false), null, now)).toBe(true);
});

test("a guest cannot say that the time is over before it is", () => {
  expect(endsCall(over("limit", true), now, now)).toBe(true);
  expect(endsCall(over("limit", false), now + 1_000, now)).toBe(true);
  expect(endsCall(over("limit", false), now + 60_000, now)).toBe(false);
  expect(endsCall(over("limit", false), null, now)).toBe(false);
});
