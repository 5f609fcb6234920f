import type { CueSign } from "../engine/types.ts";

export type Shortcut =
  | "mic"
  | "camera"
  | "chat"
  | "words"
  | "who"
  | "devices"
  | "self"
  | "share"
  | "mini"
  | "help"
  | "close"
  | "eyes"
  | "points"
  | "next"
  | "back"
  | CueSign;

const keys: Readonly<Record<string, Shortcut>> = {
  m: "mic",
  v: "camera",
  c: "chat",
  w: "words",
  i: "who",
  d: "devices",
  h: "self",
  s: "share",
  p: "mini",
  n: "nod",
  r: "hand",
  o: "wait",
  e: "eyes",
  t: "points",
  j: "next",
  k: "back",
  "?": "help",
};

interface Press {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  readonly repeat: boolean;
  readonly defaultPrevented: boolean;
}

/**
 * What a key press in the call means, or null. Letters belong to the text while
 * somebody types, and `enabled` is false for people who have switched them off
 * (WCAG 2.1.4); Escape always works.
 */
export function shortcutOf(press: Press, typing: boolean, enabled: boolean): Shortcut | null {
  if (press.defaultPrevented || press.repeat || press.ctrlKey || press.metaKey || press.altKey) return null;
  if (press.key === "Escape") return "close";
  if (typing || !enabled) return null;
  return keys[press.key.toLowerCase()] ?? null;
}

/** True where a letter is text: fields, lists that search by letter, editable regions, menus. */
export function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof Element && target.closest("input, textarea, select, [contenteditable], [role=menu]") !== null
  );
}
