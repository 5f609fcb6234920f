import { expect, test } from "vitest";
import { endAfter, endsCall, outlives, type Over } from "./parting.ts";

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

test.each([
  ["live", "direct", true],
  ["live", null, true], // not measured yet
  ["live", "relayed", false], // the server can stop it
  ["reconnecting", "direct", false],
  ["joining", null, false],
  ["knocking", null, false],
] as const)("the server's last word while %s, %s: the call goes on %s", (phase, kind, on) => {
  expect(outlives(phase, kind && { kind })).toBe(on);
});

const gone = { reason: "expired", code: "E_GONE" } as const;
const elsewhere = { reason: "replaced", code: "E_REPLACED" } as const;

test.each<[Over, typeof gone | typeof elsewhere, string, string | null]>([
  [over("hangup", true), gone, "hangup", null],
  [over("hangup", false), gone, "peer-hangup", null],
  [over("hangup", true), elsewhere, "hangup", null],
  [over("limit", true), gone, "limit", null],
  [over("differ", false), elsewhere, "differ", null],
  [{ reason: "error", mine: true, code: "E_TIMEOUT" }, gone, "expired", "E_GONE"], // media did not come back
  [{ reason: "error", mine: true, code: "E_SFRAME" }, gone, "error", "E_SFRAME"],
])("%o after %o ends the call as %s, %s", (how, word, reason, code) => {
  expect(endAfter(word, how)).toEqual({ reason, code });
});
