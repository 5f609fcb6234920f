import { expect, test } from "vitest";
import { cleanLine, cleanText } from "./text.ts";

test.each([
  ["plain", "Ada", "Ada"],
  ["bidi override", "Ada\u202Eexe", "Adaexe"],
  ["isolates and marks", "\u2066A\u2069\u200Fd\u061Ca", "Ada"],
  ["control characters", "A\u0000d\u0007a\u009F", "Ada"],
  ["composed", "e\u0301", "é"],
  ["one line", "Ada\nLovelace", "Ada Lovelace"],
  ["spaces around", "  Ada ", "Ada"],
  ["nothing to see", "\u200B\u2060\u3164\u0301", ""],
  ["a joiner between letters stays", "نمی\u200Cخواهم", "نمی\u200Cخواهم"],
  ["line separators", "Ada\u2028Lovelace", "AdaLovelace"],
])("line: %s", (_, given, want) => {
  expect(cleanLine(given, 64)).toBe(want);
});

test("cut at code points, not in the middle of one", () => {
  expect(cleanLine("😀😀😀", 2)).toBe("😀😀");
});

test("text keeps its lines", () => {
  expect(cleanText("a\r\nb\u0085\nc", 64)).toBe("a\nb\nc");
});
