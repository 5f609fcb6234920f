import type { Tally } from "./tally.ts";

/** Who a trouble belongs to, seen from this side. */
export type Side = "mine" | "theirs" | "between" | "server";

export type Cause =
  | "uplink" // the line cannot send enough for a picture
  | "loss" // packets get lost
  | "delay" // they take too long
  | "cpu" // the device cannot keep up
  | "background" // the page was in the background, or the device asleep
  | "mic" // wanted and missing
  | "camera"
  | "offline" // one side lost its network
  | "interrupted" // nothing arrived, and nobody knows better
  | "server"; // both sides lost the server

export interface Finding {
  readonly side: Side;
  readonly cause: Cause;
  /** How bad, in ms of a call that was no use at all. */
  readonly weight: number;
  /** What was measured: kbit/s for an uplink, per cent for loss, ms for a delay, seconds for all others. */
  readonly value: number;
}

/** Loss that Opus and a picture hide well, and the share beyond which they hide nothing. */
const LOSS = { from: 0.05, full: 0.25 } as const;
/** Round trips that people notice, and those with which they talk across each other, ms. */
const DELAY = { from: 400, full: 800 } as const;
/** A bottleneck fills its queue: round trips get this long. Loss alone does not do that. */
export const QUEUE_MS = 250;
/** Troubles in both directions that differ by less than this factor are one trouble between the two. */
const ALIKE = 2.5;

/** How much a second counts of what the two can live with. */
const WEIGHT = { background: 0.35, mic: 0.6, camera: 0.4, server: 0.25, frozen: 0.5, slow: 0.25, tight: 0.5 } as const;

/**
 * Names what was wrong in a stretch of time, the worst first, from what both sides have measured in it; `theirs` is
 * empty where no report came. Pure and symmetric: the other side, with the same numbers, finds the mirror image.
 *
 * Of a line in one direction nobody can tell from the ends where it is too thin or loses packets: it counts as the
 * sender's, because there it usually is. The same trouble in both directions is between the two.
 */
export function diagnose(mine: Tally, theirs: Tally): Finding[] {
  const found: Finding[] = [];
  const say = (side: Side, cause: Cause, weight: number, value: number) =>
    weight > 0 && found.push({ side, cause, weight: Math.round(weight), value: Math.round(value) });

  outages(mine, theirs, say);
  lines(mine, theirs, say);
  for (const [side, tally] of [
    ["mine", mine],
    ["theirs", theirs],
  ] as const) {
    say(side, "cpu", tally.busy + tally.slow * WEIGHT.slow, (tally.busy + tally.slow) / 1_000);
    say(side, "background", tally.hidden * WEIGHT.background, tally.hidden / 1_000);
    say(side, "mic", tally.no_mic * WEIGHT.mic, tally.no_mic / 1_000);
    say(side, "camera", tally.no_cam * WEIGHT.camera, tally.no_cam / 1_000);
  }
  // A poor line may stop a picture at any time; loss and delay are not counted in ms.
  if (!found.some(({ cause }) => cause === "loss" || cause === "delay")) {
    const still = Math.max(mine.frozen, mine.gaps, theirs.frozen, theirs.gaps) - troubled(mine) - troubled(theirs);
    say("between", "interrupted", still * WEIGHT.frozen, still / 1_000);
  }
  return found.sort((a, b) => b.weight - a.weight);
}

type Say = (side: Side, cause: Cause, weight: number, value: number) => unknown;

/** ms of which it is known why picture or sound may have stood still. */
function troubled(t: Tally): number {
  return t.stalled + t.tight + t.busy + t.slow + t.hidden;
}

/** Nothing arrived, or the server was away: whoever was without the server at that time has lost the network. */
function outages(mine: Tally, theirs: Tally, say: Say): void {
  // A device that is stuck neither sends nor receives: that is a cause of its own.
  const stalled = Math.max(0, Math.max(mine.stalled, theirs.stalled) - mine.busy - theirs.busy);
  const both = Math.min(mine.away, theirs.away);
  const [iOnly, theyOnly] = [mine.away - both, theirs.away - both];
  if (stalled > 0) {
    const cut = stalled / 2;
    if (iOnly > cut || theyOnly > cut) {
      say(iOnly > theyOnly ? "mine" : "theirs", "offline", stalled, stalled / 1_000);
      return;
    }
    if (both > cut) say("server", "server", stalled, both / 1_000);
    else say("between", "interrupted", stalled, stalled / 1_000);
    return;
  }
  say("server", "server", both * WEIGHT.server, both / 1_000);
  say("mine", "offline", iOnly * WEIGHT.server, iOnly / 1_000);
  say("theirs", "offline", theyOnly * WEIGHT.server, theyOnly / 1_000);
}

/** What the way from one to the other did to the packets. */
function lines(mine: Tally, theirs: Tally, say: Say): void {
  // What I send is counted where it arrives.
  const [fromMe, fromThem] = [share(theirs), share(mine)];
  const rtt = Math.max(mine.rtt, theirs.rtt);
  const queue = rtt >= QUEUE_MS;
  // A browser that meets loss sends less, too: then the loss is the cause, unless a queue shows the bottleneck.
  const thin = (tally: Tally, loss: number) => (queue || loss < LOSS.from * 2 ? tally.tight : 0);
  const [thinMine, thinTheirs] = [thin(mine, fromMe), thin(theirs, fromThem)];
  say("mine", "uplink", thinMine * WEIGHT.tight, mine.kbps);
  say("theirs", "uplink", thinTheirs * WEIGHT.tight, theirs.kbps);
  const lossMine = thinMine ? 0 : lossWeight(fromMe, theirs);
  const lossTheirs = thinTheirs ? 0 : lossWeight(fromThem, mine);
  if (lossMine && lossTheirs && alike(fromMe, fromThem)) {
    say("between", "loss", Math.max(lossMine, lossTheirs), Math.max(fromMe, fromThem) * 100);
  } else {
    say("mine", "loss", lossMine, fromMe * 100);
    say("theirs", "loss", lossTheirs, fromThem * 100);
  }
  if (!thinMine && !thinTheirs && rtt > 0)
    say("between", "delay", ramp(rtt, DELAY) * 0.8 * Math.max(mine.ms, theirs.ms), rtt);
}

function share({ packets, lost }: Tally): number {
  return packets + lost === 0 ? 0 : lost / (packets + lost);
}

/** Where it is known when a line lost packets, the counts are those of that time. */
function lossWeight(loss: number, { lossy, ms }: Tally): number {
  return ramp(loss, LOSS) * 0.9 * Math.min(lossy || ms, ms);
}

/** 0 below `from`, then a fifth, growing to 1 at `full`. */
function ramp(value: number, { from, full }: { from: number; full: number }): number {
  return value < from ? 0 : Math.min(1, 0.2 + (0.8 * (value - from)) / (full - from));
}

function alike(a: number, b: number): boolean {
  return Math.max(a, b) <= ALIKE * Math.min(a, b);
}
