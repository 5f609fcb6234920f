import type { EndInfo } from "../engine/types.ts";
import { m } from "../i18n/paraglide/messages.js";
import type { IconName } from "../ui/icons.gen.ts";
import { errorText } from "../i18n/errors.ts";
import { sentence } from "./sentence.ts";

export interface Ending {
  icon: IconName;
  title: string;
  text: string; // "" if the title says it all
  again: "call" | "ask" | "retry" | null; // the next step that makes sense with this link
  code: string | null;
}

/** How a call ended, in words; each reason has its own. `name` is the other person's. */
export function describeEnd(end: EndInfo, role: "host" | "guest", name: string): Ending {
  const ending = describe(end, role, name);
  return { ...ending, title: sentence(ending.title) };
}

function describe(end: EndInfo, role: "host" | "guest", name: string): Ending {
  const none = { text: "", code: null };
  switch (end.reason) {
    case "hangup":
      return { ...none, icon: "phone-off", title: m.after_hangup(), text: afterLeaving(end, role), again: "call" };
    case "peer-hangup":
      return { ...none, icon: "phone-off", title: m.after_peer_hangup({ name }), again: callAgain(role) };
    case "removed":
      if (role === "host") return { ...none, icon: "user-x", title: m.after_removed_by_me({ name }), again: "call" };
      return { ...none, icon: "user-x", title: m.after_removed(), again: "ask" };
    case "refused":
      // The host's page refuses by itself when somebody else is in, or after too many wrong passwords.
      if (end.code !== null && end.code !== "E_DENIED") return failed(end, end.code);
      return {
        ...none,
        icon: "user-x",
        title: m.after_refused({ name }),
        text: end.message || m.after_refused_text(),
        again: "ask",
      };
    case "limit":
      return {
        ...none,
        icon: "timer",
        title: m.after_limit(),
        text: end.linkOver ? m.after_link_over() : "",
        again: callAgain(role),
      };
    case "differ":
      return { ...none, icon: "shield-alert", title: m.after_differ(), text: m.after_differ_text(), again: null };
    case "expired":
      return {
        ...none,
        icon: "link-2-off",
        title: m.after_expired(),
        text: role === "guest" ? m.after_expired_text() : "",
        again: null,
      };
    case "replaced":
      return { ...none, icon: "monitor", title: m.after_replaced(), text: m.after_replaced_text(), again: null };
    case "error":
      return failed(end, end.code ?? "E_INTERNAL");
  }
}

/** A guest does not know whether the host, who has gone, has left the link alive. */
function callAgain(role: "host" | "guest"): "call" | null {
  return role === "host" ? "call" : null;
}

function afterLeaving({ durationMs, linkOver }: EndInfo, role: "host" | "guest"): string {
  if (linkOver) return m.after_link_over();
  if (role === "host") return m.after_link_alive();
  return durationMs > 0 ? m.after_can_return() : "";
}

function failed(end: EndInfo, code: string): Ending {
  const before = end.durationMs === 0;
  return {
    icon: "circle-alert",
    title: before ? m.after_error_before() : m.after_error(),
    text: errorText(code),
    again: final.has(code) ? null : before ? "retry" : "call",
    code,
  };
}

/** Trying the same link again leads to the same end. */
const final: ReadonlySet<string> = new Set([
  "E_GONE",
  "E_VERSION",
  "E_PARSE",
  "E_HOSTKEY",
  "E_HOSTSIG",
  "E_SAS_DIFFER",
]);
