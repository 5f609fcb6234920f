import { m } from "../i18n/paraglide/messages.js";
import type { IconName } from "../ui/icons.gen.ts";
import type { CallLike } from "./call.svelte.ts";
import { overText } from "./paths.ts";
import { sentence } from "./sentence.ts";

/** Somebody or something with a part in the call, and what of it they get, in words. */
export interface Seer {
  icon: IconName;
  who: string;
  what: readonly string[];
}

/** Who can see what right now, from the facts of this call and nothing else. */
export function seers(call: CallLike, sends: { mic: boolean; camera: boolean }, name: string): Seer[] {
  const { path, remote } = call;
  const connected = remote?.bound ?? false;
  const list: Seer[] = [];
  const peer = connected ? [m.who_peer_sees({ what: sending(sends) }), m.who_peer_chat()] : [m.who_peer_waiting()];
  // Where else we are is said with admission, also while the path still is the relay's.
  if (connected && path) peer.push(call.relayOnly ? m.who_peer_no_address() : m.who_peer_address());
  list.push({ icon: "user", who: sentence(m.who_peer({ name })), what: peer });
  if (path?.kind === "relayed") {
    list.push({
      icon: "route",
      who: m.who_relay({ relay: path.relay }),
      what: [m.who_relay_sees({ over: overText(path) })],
    });
  } else if (path) {
    list.push({ icon: "route", who: m.who_relay_none(), what: [m.who_relay_none_text({ over: overText(path) })] });
  }
  list.push({ icon: "server", who: m.who_server(), what: [m.who_server_sees(), m.who_server_code()] });
  list.push({ icon: "wifi", who: m.who_network(), what: [m.who_network_sees()] });
  return list;
}

/** How the call is protected, one sentence for each thing that was really checked. */
export function protections(call: CallLike, verified: boolean): { text: string; holds: boolean }[] {
  const { security } = call;
  const list: { text: string; holds: boolean }[] = [];
  if (security.handshake) {
    list.push({ text: security.password ? m.who_handshake_password() : m.who_handshake(), holds: true });
    list.push({ text: security.bound ? m.who_bound() : m.who_not_bound(), holds: security.bound });
  }
  if (security.bound) list.push({ text: frameSentences[security.sframe](), holds: security.sframe === "active" });
  if (security.certificateChecked) list.push({ text: m.who_certificate(), holds: true });
  const cipher = [security.dtls && `DTLS ${security.dtls}`, security.srtpCipher].filter(Boolean).join(", ");
  if (cipher) list.push({ text: m.who_cipher({ cipher }), holds: true });
  if (security.handshake) list.push({ text: verified ? m.who_verified() : m.who_not_verified(), holds: verified });
  return list;
}

const frameSentences = {
  off: m.frames_off,
  pending: m.frames_pending,
  active: m.frames_active,
  failed: m.frames_failed,
} as const;

function sending({ mic, camera }: { mic: boolean; camera: boolean }): string {
  if (mic && camera) return m.who_what_both();
  if (mic) return m.who_what_sound();
  return camera ? m.who_what_picture() : m.who_what_nothing();
}
