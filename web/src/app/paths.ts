import type { PathInfo } from "../engine/types.ts";
import { m } from "../i18n/paraglide/messages.js";

type Way = Pick<PathInfo, "kind" | "protocol" | "relay">;
type Over = Pick<PathInfo, "protocol"> & Partial<Pick<PathInfo, "family">>;

/** What a path goes over, as people who look after networks call it; the same in every language. */
export function overText({ protocol, family }: Over): string {
  return `${protocol.toUpperCase()}${family ? `, IPv${family}` : ""}`;
}

/** A path in short, for where little room is. */
export function pathName(path: Way): string {
  const over = overText({ protocol: path.protocol });
  return path.kind === "direct" ? m.call_direct({ over }) : m.call_relayed({ relay: path.relay, over });
}

/** The same after the call. */
export function pathText(path: Way): string {
  const over = overText({ protocol: path.protocol });
  return path.kind === "direct" ? m.after_path_direct({ over }) : m.after_path_relayed({ relay: path.relay, over });
}
