import type { Call } from "../engine/call.ts";
import { quality } from "../engine/stats.ts";
import { m } from "../i18n/paraglide/messages.js";

type Rehearsed = NonNullable<Call["rehearsed"]>;

/** Below this a picture is small, and below this there is none beside the sound, kbit/s. */
const FULL_KBPS = 1_100;
const SMALL_KBPS = 300;

/** What the path between the two will be good for, in one sentence. `name` is the other person's. */
export function rehearsedText({ rttMs, kbps, loss }: Rehearsed, name: string): string {
  const rate = kbps ?? FULL_KBPS;
  const at = quality(rttMs, loss ?? 0);
  if (at === "poor" || rate < SMALL_KBPS) return m.rehearsal_poor({ name });
  return at === "fair" || rate < FULL_KBPS ? m.rehearsal_fair({ name }) : m.rehearsal_good({ name });
}
