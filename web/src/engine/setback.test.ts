import { expect, test } from "vitest";
import { triesAgain } from "./setback.ts";

test.each([
  ["E_TIMEOUT", "connecting", false, true],
  ["E_OUTER", "ready", false, true],
  ["E_HOSTSIG", "connecting", false, false],
  ["E_BUSY", "connecting", false, false],
  ["E_HOSTSIG", "live", true, true],
  ["E_CONFIRM", "live", true, true],
  ["E_BUSY", "live", true, true],
  ["E_LOCKED", "live", true, true],
  ["E_DENIED", "live", true, false],
  ["E_GONE", "live", true, false],
  ["E_CONFIRM", "reconnecting", true, true],
  ["E_HOSTSIG", "joining", true, true],
  ["E_BUSY", "reconnecting", true, false],
  ["E_DENIED", "reconnecting", true, false],
] as const)("%s while %s, in a conversation %s: tries again %s", (code, phase, conversing, again) => {
  expect(triesAgain(code, phase, conversing)).toBe(again);
});
