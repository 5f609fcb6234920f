import { m } from "../i18n/paraglide/messages.js";
import { cueItems } from "./cues.ts";
import type { CueSign } from "../engine/types.ts";
import type { MenuItem } from "../ui/menu.ts";

export type MoreAction =
  | "devices"
  | "who"
  | "self"
  | "effects"
  | "share"
  | "mini"
  | "music"
  | "eyes"
  | "points"
  | "help"
  | "remove"
  | "end"
  | CueSign;

interface Facts {
  narrow: boolean; // a phone: what has no place in the bar comes here
  selfShown: boolean;
  /** Of this person's screen: it is shared, it can be, or this browser cannot. */
  share: "on" | "off" | "unsupported";
  music: boolean; // the own sound is sent as an instrument's
  mini: boolean; // the small window has no place in the bar
  host: boolean;
  guestName: string | null;
  hand: "up" | "down" | null; // this person's; null: nobody is there to see a sign
}

/** The entries of the "more" menu; a host has some that a guest has not. */
export function moreItems({ narrow, selfShown, share, mini, music, host, guestName, hand }: Facts): MenuItem[] {
  const items: (MenuItem & { id: MoreAction })[] = [];
  if (hand) items.push(...cueItems(hand === "up"));
  if (narrow) {
    items.push({ id: "devices", label: m.call_devices(), icon: "settings" });
    items.push({ id: "who", label: m.call_who(), icon: "eye" });
  }
  // Where it cannot be done there is no button, but whoever looks for it reads why.
  if (narrow || share === "unsupported")
    items.push({
      id: "share",
      label: share === "on" ? m.share_stop() : m.share_button(),
      icon: share === "off" ? "monitor-up" : "monitor-off",
    });
  if (mini) items.push({ id: "mini", label: m.mini_window(), icon: "picture-in-picture-2" });
  items.push({ id: "music", label: music ? m.sound_music_stop() : m.sound_music_start(), icon: "music" });
  items.push({
    id: "self",
    label: selfShown ? m.call_self_hide() : m.call_self_show(),
    icon: selfShown ? "eye-off" : "user",
  });
  items.push({ id: "effects", label: m.effects_title(), icon: "image" });
  items.push({ id: "eyes", label: m.eyes_menu(), icon: "camera" });
  items.push({ id: "points", label: m.points_title(), icon: "file-text" });
  items.push({ id: "help", label: m.call_help(), icon: "circle-question-mark" });
  if (host && guestName)
    items.push({ id: "remove", label: m.host_remove({ name: guestName }), icon: "user-x", danger: true });
  if (host) items.push({ id: "end", label: m.host_end(), icon: "trash-2", danger: true });
  return items;
}
