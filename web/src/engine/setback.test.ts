import { expect, test } from "vitest";
import { setback } from "./setback.ts";

test.each([
  ["E_TIMEOUT", "connecting", false, "again"],
  ["E_OUTER", "ready", false, "again"],
  ["E_HOSTSIG", "connecting", false, "over"],
  ["E_BUSY", "connecting", false, "over"],
  ["E_PW_REQUIRED", "connecting", false, "password"],
  ["E_HOSTSIG", "live", true, "again"],
  ["E_CONFIRM", "live", true, "again"],
  ["E_PW_REQUIRED", "live", true, "again"],
  ["E_BUSY", "live", true, "again"],
  ["E_LOCKED", "live", true, "again"],
  ["E_DENIED", "live", true, "over"],
  ["E_GONE", "live", true, "over"],
  ["E_CONFIRM", "reconnecting", true, "again"],
  ["E_PW_REQUIRED", "reconnecting", true, "again"],
  ["E_HOSTSIG", "joining", true, "again"],
  ["E_BUSY", "reconnecting", true, "over"],
  ["E_DENIED", "reconnecting", true, "over"],
] as const)("%s while %s, in a conversation %s: %s", (code, phase, conversing, then) => {
  expect(setback(code, phase, conversing)).toBe(then);
});
