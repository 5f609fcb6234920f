import { m } from "../i18n/paraglide/messages.js";
import { testedParts } from "./tested.ts";
import type { Visitor } from "./call.svelte.ts";

type Tested = NonNullable<Visitor["tested"]>;
export type Part = (typeof testedParts)[number];

/** What a visitor's own check found, for the host at whose door they stand; "" if nothing is known. */
export function testedText(tested: Tested, locale: string): string {
  const list = new Intl.ListFormat(locale, { type: "conjunction" });
  const named = (...lights: string[]) => testedParts.filter((part) => lights.includes(tested[part])).map(partName);
  const [bad, good] = [named("fair", "poor"), named("good")];
  if (bad.length + good.length === 0) return "";
  const when = ago(tested.hours, locale);
  const text =
    bad.length > 0
      ? m.knock_tested_trouble({ when, what: list.format(bad) })
      : m.knock_tested_fine({ when, what: list.format(good) });
  if (!tested.net) return text;
  return `${text} ${tested.net === "same" ? m.knock_tested_same() : m.knock_tested_other()}`;
}

function ago(hours: number, locale: string): string {
  if (hours === 0) return m.knock_tested_now();
  const format = new Intl.RelativeTimeFormat(locale, { numeric: "always" });
  return hours < 48 ? format.format(-hours, "hour") : format.format(-Math.floor(hours / 24), "day");
}

export function partName(part: Part): string {
  switch (part) {
    case "camera":
      return m.test_part_camera();
    case "picture":
      return m.test_part_picture();
    case "mic":
      return m.test_part_mic();
    case "speaker":
      return m.test_part_speaker();
    case "network":
      return m.test_part_network();
  }
}
