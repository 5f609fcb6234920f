import { expect, test } from "vitest";
import { lineKind } from "./linekind.ts";

const lines = [
  { mid: "5", kind: 2 },
  { mid: "g1", kind: 3 },
  { mid: "1", kind: 2 },
] as const;

test.each([
  ["the host's voice", "host", "0", "audio", 0],
  ["the guest's face", "guest", "3", "video", 1],
  ["a screen", "guest", "5", "video", 2],
  ["a screen's sound", "host", "g1", "audio", 3],
  ["a face that claims to be a screen stays a face", "host", "1", "video", 1],
  ["a line that was not named", "host", "6", "video", null],
  ["a screen that is sound", "host", "5", "audio", null],
  ["one's own line", "host", "2", "audio", null],
  ["no line", "host", null, "video", null],
] as const)("%s", (_, sender, mid, got, kind) => {
  expect(lineKind(sender, lines, mid, got)).toBe(kind);
});
