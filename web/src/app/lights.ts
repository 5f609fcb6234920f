import type { Light } from "../engine/checks/verdict.ts";
import { m } from "../i18n/paraglide/messages.js";
import type { IconName } from "../ui/icons.gen.ts";

/** A light in a word; null: not checked. */
export function lightWord(light: Light | null): string {
  switch (light) {
    case "good":
      return m.light_good();
    case "fair":
      return m.light_fair();
    case "poor":
      return m.light_poor();
    case "working":
      return m.light_working();
    case "unknown":
      return m.light_unknown();
    case null:
      return m.light_unchecked();
  }
}

/** And by its shape: colour alone says it to few. */
export function lightIcon(light: Light | null): IconName {
  switch (light) {
    case "good":
      return "circle-check";
    case "fair":
      return "triangle-alert";
    case "poor":
      return "circle-alert";
    case "working":
      return "hourglass";
    default:
      return "circle-question-mark";
  }
}
