import { expect, test } from "vitest";
import { shortcutOf } from "./shortcuts.ts";

const press = { key: "m", ctrlKey: false, metaKey: false, altKey: false, repeat: false, defaultPrevented: false };

test.each([
  ["a letter", press, false, true, "mic"],
  ["a capital letter", { ...press, key: "M" }, false, true, "mic"],
  ["a letter in a text field", press, true, true, null],
  ["letters switched off", press, false, false, null],
  ["the browser's own Ctrl+C", { ...press, key: "c", ctrlKey: true }, false, true, null],
  ["a key held down", { ...press, repeat: true }, false, true, null],
  ["Escape in a text field", { ...press, key: "Escape" }, true, false, "close"],
  ["a key somebody else has used", { ...press, key: "Escape", defaultPrevented: true }, false, true, null],
  ["a nod", { ...press, key: "n" }, false, true, "nod"],
  ["a letter without a meaning", { ...press, key: "x" }, false, true, null],
] as const)("%s", (_, event, typing, enabled, want) => {
  expect(shortcutOf(event, typing, enabled)).toBe(want);
});
