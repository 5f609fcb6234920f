import type { HeldVideo } from "../protocol/sealed.gen.ts";
import { m } from "../i18n/paraglide/messages.js";
import { sentence } from "./sentence.ts";

/** Why there is no picture of the other person, whose camera may well be on. */
export function heldText(held: HeldVideo, name: string): string {
  if (held === "network") return sentence(m.data_held_network({ name }));
  return held === "asked" ? m.data_held_asked() : sentence(m.data_held_saver({ name }));
}

/** Why our own picture does not reach the other person. */
export function heldSelfText(held: HeldVideo, name: string): string {
  if (held === "network") return m.data_self_network({ name });
  return held === "asked" ? m.data_self_asked({ name }) : m.data_self_saver();
}
