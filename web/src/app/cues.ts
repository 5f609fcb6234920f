import type { CueSign } from "../engine/types.ts";
import { m } from "../i18n/paraglide/messages.js";
import type { IconName } from "../ui/icons.gen.ts";
import type { Toasts } from "../ui/toasts.svelte.ts";
import type { CallLike } from "./call.svelte.ts";
import { sentence } from "./sentence.ts";

export const cueIcons: Readonly<Record<CueSign, IconName>> = { nod: "circle-check", wait: "hourglass", hand: "hand" };

/** What the other party shows. */
export function cueText(sign: CueSign, name: string): string {
  if (sign === "hand") return m.cue_their_hand({ name });
  return sign === "nod" ? m.cue_their_nod({ name }) : m.cue_their_wait({ name });
}

/** The signs in a menu, for whoever has no keyboard. */
export function cueItems(handUp: boolean): { id: CueSign; label: string; icon: IconName }[] {
  return [
    { id: "nod", label: m.cue_nod(), icon: cueIcons.nod },
    { id: "hand", label: handUp ? m.cue_hand_lower() : m.cue_hand(), icon: cueIcons.hand },
    { id: "wait", label: m.cue_wait(), icon: cueIcons.wait },
  ];
}

interface Giver {
  readonly call: CallLike;
  readonly name: string; // of the other party
  readonly toasts: Toasts;
}

/** Shows a sign to the other party, and its giver that it was shown, or that it was not. Returns the words. */
export function giveCue(sign: CueSign, { call, name, toasts }: Giver): string {
  const sent = call.cue(sign);
  const text = sent ? given(sign, call.handUp) : sentence(m.cue_not_sent({ name }));
  toasts.clear("cue");
  // The raised hand stays before the eyes by itself, and is said there.
  if (sent && call.handUp && sign === "hand") return text;
  toasts.show(text, { icon: sent ? cueIcons[sign] : "circle-alert", topic: "cue", ...(sent && { ms: 1500 }) });
  return text;
}

function given(sign: CueSign, handUp: boolean): string {
  if (sign === "hand") return handUp ? m.cue_my_hand() : m.cue_my_hand_down();
  return sign === "nod" ? m.cue_my_nod() : m.cue_my_wait();
}
