import type { Finding } from "../engine/quality/diagnose.ts";
import { m } from "../i18n/paraglide/messages.js";
import type { IconName } from "../ui/icons.gen.ts";
import type { CallLike } from "./call.svelte.ts";
import { cueIcons, cueText } from "./cues.ts";
import type { MediaLike } from "./media.svelte.ts";
import { heldSelfText } from "./held.ts";
import { sentence } from "./sentence.ts";

export interface Pill {
  readonly text: string;
  readonly icon: IconName | null; // null: something is going on
  readonly tone: "plain" | "amber" | "red";
  readonly passing?: boolean; // a sign of the other party: it comes and goes softly
}

interface Facts {
  readonly call: CallLike;
  readonly media: MediaLike;
  readonly name: string;
  readonly selfShown: boolean;
  readonly online: boolean; // what the browser says of this device's network
}

/** What is true of the call just now, each fact under its own label, said by the party that knows it. */
export function pillsOf({ call, media, name, selfShown, online }: Facts): Pill[] {
  const { phase, remote, error, weak, peerAway } = call;
  const list: Pill[] = [];
  const say = (text: string, icon: Pill["icon"], tone: Pill["tone"] = "plain") =>
    list.push({ text: sentence(text), icon, tone });
  const offline = error?.code === "offline";
  if (remote?.bound && remote.recording) say(m.call_recording({ name }), "circle-dot", "red");
  if (phase === "joining") say(remote && !remote.bound ? m.call_checking() : m.call_joining({ name }), null);
  if (phase === "reconnecting") say(stalled(name, !online || offline, peerAway), null, "amber");
  if (phase !== "live") return list;
  for (const sign of call.cues)
    list.push({ text: sentence(cueText(sign, name)), icon: cueIcons[sign], tone: "plain", passing: true });
  if (call.handUp) say(m.cue_my_hand(), cueIcons.hand);
  if (offline) say(m.call_signaling_lost(), "wifi-off", "amber");
  else if (error) say(m.call_server_left(), "link-2-off", "amber"); // its last word, and no reason to stop
  if (weak) say(weakness(weak, name), "wifi-off", "amber");
  if (remote?.music && remote.mic) say(m.sound_music_theirs({ name }), "music");
  if (media.music && media.micOn) say(m.sound_music_mine(), "music");
  if (remote?.hidden) say(m.truth_hidden({ name }), "moon");
  if (remote?.fates.mic === "gone") say(m.truth_mic_gone({ name }), "mic-off", "amber");
  else if (remote && !remote.mic) say(m.call_muted({ name }), "mic-off");
  if (media.fates.mic === "gone") say(m.truth_mic_gone_self(), "mic-off", "amber");
  else if (!media.micOn) say(ownMute(media), "mic-off", "amber");
  if (call.held && media.cameraOn) say(heldSelfText(call.held, name), "video-off", "amber");
  if (!selfShown && media.cameraOn) say(m.call_self_hidden({ name }), "eye-off");
  return list;
}

/** Whose network it is that does not answer, as far as anybody can know: the own one first. */
function stalled(name: string, mine: boolean, theirs: boolean): string {
  if (mine) return m.truth_stall_mine();
  return theirs ? m.truth_stall_theirs({ name }) : m.call_reconnecting();
}

/** Whether a microphone that sends nothing is open all the same: the system's own sign says so, too. */
function ownMute({ micOpen, micProblem }: MediaLike): string {
  if (micOpen) return m.truth_muted_open();
  return micProblem ? m.call_muted_self() : m.truth_muted_released();
}

function weakness({ cause, side }: Finding, name: string): string {
  const mine = side === "mine";
  if (cause === "uplink") return mine ? m.truth_weak_uplink_mine() : m.truth_weak_uplink_theirs({ name });
  if (cause === "cpu") return mine ? m.truth_weak_cpu_mine() : m.truth_weak_cpu_theirs({ name });
  if (cause === "delay") return m.truth_weak_delay_between();
  if (side === "between") return m.truth_weak_loss_between();
  return mine ? m.truth_weak_loss_mine() : m.truth_weak_loss_theirs({ name });
}
