import type { Area } from "../storage/store.ts";
import type { CallRecord } from "../storage/calls.ts";

const key = "visavis.as-guest";

/** The call of this device that a guest's fragment leads to, unless the person has chosen to go there as a guest. */
export function ownCall(fragment: string, calls: readonly CallRecord[], session: Area): CallRecord | null {
  if (session.getItem(key) === fragment) return null;
  return calls.find((call) => call.role === "host" && call.guest === fragment) ?? null;
}

/** Remembers the choice for this tab, over a reload. */
export function chooseGuest(fragment: string, session: Area): void {
  session.setItem(key, fragment);
}
