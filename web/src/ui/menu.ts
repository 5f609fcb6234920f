import type { IconName } from "./icons.gen.ts";

/** One entry of a Menu. With `checked` it is one of several to choose from. */
export interface MenuItem {
  readonly id: string;
  readonly label: string;
  readonly icon?: IconName;
  readonly checked?: boolean;
  readonly danger?: boolean;
  readonly lang?: string; // when the label is in another language than the page
}

/**
 * Index of the item that a key moves to in a menu of `labels`, or null when the key does not move
 * (WAI-ARIA Authoring Practices, "Menu": arrows wrap, Home and End jump, a letter finds).
 */
export function nextItem(key: string, current: number, labels: readonly string[]): number | null {
  const count = labels.length;
  if (count === 0) return null;
  if (key === "ArrowDown") return (current + 1) % count;
  if (key === "ArrowUp") return (current - 1 + count) % count;
  if (key === "Home") return 0;
  if (key === "End") return count - 1;
  if (key.length !== 1 || key === " ") return null;
  const letter = key.toLocaleLowerCase();
  for (let step = 1; step <= count; step++) {
    const index = (current + step) % count;
    if (labels[index]?.toLocaleLowerCase().startsWith(letter)) return index;
  }
  return null;
}
