import type { Report } from "../../protocol/sealed.gen.ts";
import type { Counters } from "./counters.ts";

/** What one side has measured over some time: the numbers of a {@link Report}, none missing. */
export type Tally = Required<Omit<Report, "t" | "at" | "sent" | "path">>;

export const nothing: Tally = {
  ms: 0,
  packets: 0,
  lost: 0,
  lossy: 0,
  bytes: 0,
  frozen: 0,
  gaps: 0,
  stalled: 0,
  rtt: 0,
  kbps: 0,
  tight: 0,
  busy: 0,
  slow: 0,
  hidden: 0,
  away: 0,
  no_mic: 0,
  no_cam: 0,
};

/** What is known of this side while a second passes, beside the statistics of its connection. */
export interface Situation {
  readonly hidden: boolean; // nobody sees the call
  readonly throttled: boolean; // the page is in the background, whoever may see the call in a small window
  readonly away: boolean; // the server cannot be reached
  readonly noMic: boolean; // wanted and missing
  readonly noCam: boolean;
  readonly hears: boolean; // the other party says that its microphone is on
  readonly sees: boolean; // that its camera or screen is, and that a picture leaves
  readonly held: boolean; // this side's camera is on and sends no picture, for want of a line
  readonly again: boolean; // nothing arrived a moment before
  readonly joined: boolean; // media has flowed: before that nothing is missing
}

/** Below this a camera's picture is mud beside the sound, kbit/s. */
export const TIGHT_KBPS = 300;
/** Two looks are a second apart. Nobody's processor is busy for so long that they are this far: the device slept. */
const ASLEEP_MS = 6_000;
/** A slide show: fewer pictures than this in a second are as good as none. */
const STILL_FRAMES = 2;

/**
 * What the last `ms` were like, from two looks at the same connection. `before` is null at the first look at a
 * connection: then only the situation counts. `now` is null while there is none. `stuck` is for how long of it timers
 * that were due did not run.
 */
export function measure(
  before: Counters | null,
  now: Counters | null,
  at: Situation,
  ms: number,
  stuck: number,
): Tally {
  const asleep = ms > ASLEEP_MS;
  const hidden = at.hidden || asleep ? ms : 0;
  const devices = { no_mic: at.noMic ? ms : 0, no_cam: at.noCam ? ms : 0, away: at.away ? ms : 0 };
  // A page in the background is given few timers: that says nothing about its processor.
  const busy = at.throttled || asleep ? 0 : Math.min(stuck, ms);
  const tally = { ...nothing, ms, hidden, busy, ...devices };
  if (asleep || !at.joined) return tally;
  if (!now || now.bytes === before?.bytes) return { ...tally, stalled: at.hears || at.sees ? ms : 0 };
  if (!before) return tally;
  // The first packet after a silence makes all that it swallowed count as lost on the way.
  const { packets, lost } = at.again ? nothing : loss(before, now);
  const made = now.made - before.made;
  const samples = now.samples - before.samples;
  return {
    ...tally,
    packets,
    lost,
    bytes: Math.max(0, now.media - before.media),
    frozen: at.sees && now.frames - before.frames < (STILL_FRAMES * ms) / 1_000 ? ms : 0,
    gaps: at.hears && samples > 0 ? Math.round(ms * clamp(made / samples)) : 0,
    rtt: now.rtt ?? 0,
    kbps: now.kbps,
    tight: (now.limit === "bandwidth" || at.held) && now.kbps > 0 && now.kbps < TIGHT_KBPS ? ms : 0,
    slow: now.limit === "cpu" ? ms : 0,
  };
}

/** Both together: times and counts are added, the rest is their mean by time. */
export function add(a: Tally, b: Tally): Tally {
  const sum = { ...nothing };
  for (const key of Object.keys(nothing) as (keyof Tally)[]) sum[key] = a[key] + b[key];
  // What a thin line carried and how its queue grew, not what it does at other times.
  const tight = sum.tight > 0;
  for (const key of ["rtt", "kbps"] as const)
    sum[key] = mean(a[key], tight ? a.tight : a.ms, b[key], tight ? b.tight : b.ms);
  // The same of one that loses packets.
  if (sum.lossy === 0) return sum;
  for (const key of ["packets", "lost"] as const) sum[key] = (a.lossy && a[key]) + (b.lossy && b[key]);
  return sum;
}

/** A mean in which 0 stands for "not known". */
function mean(a: number, aMs: number, b: number, bMs: number): number {
  if (a === 0 || b === 0) return a || b;
  return aMs + bMs === 0 ? a : Math.round((a * aMs + b * bMs) / (aMs + bMs));
}

/** packetsLost may fall again: a packet that comes late is taken back. */
function loss(before: Counters, now: Counters): { packets: number; lost: number } {
  return { packets: Math.max(0, now.packets - before.packets), lost: Math.max(0, now.lost - before.lost) };
}

function clamp(share: number): number {
  return Math.min(1, Math.max(0, share));
}
