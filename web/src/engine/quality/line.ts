import type { Tally } from "./tally.ts";

/** What the other side says of its end of the line. */
export interface Sent {
  readonly at: number; // ms, by its clock
  readonly sent: number; // packets of every kind, since the count began
  readonly path: number; // another number: the count has begun anew
}

/** What became of the packets between two reports. */
export type LineLoss = Pick<Tally, "packets" | "lost" | "lossy">;

interface Look {
  readonly at: number; // ms, by this side's clock
  readonly came: number; // packets of every kind, since the connection began
}

/** From this share on a line is one that loses packets: more than a look that came a moment too late can make up. */
const LOSSY = 0.1;
/** A share of fewer packets than this says nothing. */
const ENOUGH = 50;
/** Two reports that are closer together say nothing: looks are a second apart. */
const SHORTEST_MS = 2_500;
/** With so many reports the quickest of them was not held up. */
const REPORTS = 6;
/** Without a report for so long nothing is known of the line. */
const STALE_MS = 20_000;
/** Looks that are kept: a report may be on its way for so many seconds. */
const LOOKS = 60;
/** With such a time between two looks the device slept, and heard nothing. */
const ASLEEP_MS = 6_000;
const none: LineLoss = { packets: 0, lost: 0, lossy: 0 };

/**
 * What the line from the other side loses, from what it has sent and what has come: also what is sent again and comes
 * in the end, which a browser does not count as lost.
 *
 * The two ends look at different moments, and a report that is itself lost comes seconds late. So it is not compared with
 * what has come when it arrives, but with what had come when it would have arrived as quickly as the quickest of the last
 * ones: that is between two looks. Pure: it is told the time.
 */
export class Line {
  #looks: Look[] = [];
  #waiting: Sent[] = [];
  #delays: number[] = []; // between the clocks, the way included
  #mark: Sent | null = null; // up to here it is counted
  #over = 0; // packets that came beyond what was sent in the stretch before: they were counted too early
  #bad = false; // the stretch before
  #found = none;
  #knownAt = -Infinity;

  look(at: number, came: number): void {
    const last = this.#looks.at(-1);
    if (last && (came < last.came || at - last.at > ASLEEP_MS)) this.cut();
    this.#looks.push({ at, came });
    if (this.#looks.length > LOOKS) this.#looks.shift();
    this.#settle(at);
  }

  /** A report has come. */
  heard(said: Sent, now: number): void {
    this.#delays.push(now - said.at);
    if (this.#delays.length > REPORTS) this.#delays.shift();
    this.#waiting.push(said);
    if (this.#waiting.length > REPORTS) this.#waiting.shift();
  }

  /** Nothing comes any more, or by another connection: what an outage swallows is not what the line loses. */
  cut(): void {
    this.#looks = [];
    this.#waiting = [];
    this.#mark = null;
    this.#over = 0;
    this.#bad = false;
    this.#found = none;
    this.#knownAt = -Infinity;
  }

  /** What was found since it was last asked; null while the other side does not count, or the line was cut. */
  take(now: number): LineLoss | null {
    const found = this.#found;
    this.#found = none;
    return now - this.#knownAt < STALE_MS ? found : null;
  }

  #settle(now: number): void {
    const delay = Math.min(...this.#delays);
    for (let next = this.#waiting[0]; next && next.at + delay <= now; next = this.#waiting[0]) {
      this.#waiting.shift();
      const from = this.#mark;
      const follows = from?.path === next.path && next.sent >= from.sent && next.at > from.at;
      if (from && follows && next.at - from.at < SHORTEST_MS) continue;
      this.#mark = next;
      const before = from && follows ? this.#came(from.at + delay) : null;
      const came = this.#came(next.at + delay);
      if (came === null) this.#mark = null;
      else if (from && before !== null) this.#count(next.sent - from.sent, came - before, next.at - from.at, now);
    }
  }

  #count(sent: number, came: number, ms: number, now: number): void {
    const lost = Math.max(0, Math.round(sent - came - this.#over));
    this.#over = Math.max(0, came - sent);
    const bad = sent >= ENOUGH && lost >= LOSSY * sent;
    // One stretch alone may have been a short outage.
    const lossy = bad && this.#bad ? ms : 0;
    this.#bad = bad;
    this.#knownAt = now;
    const { packets, lost: more, lossy: longer } = this.#found;
    this.#found = { packets: packets + Math.round(came), lost: more + lost, lossy: longer + lossy };
  }

  /** What had come at a time between two looks; null before the first one. */
  #came(at: number): number | null {
    const i = this.#looks.findIndex((look) => look.at >= at);
    const [a, b] = [this.#looks[i - 1], this.#looks[i]];
    if (!b || (!a && b.at > at)) return null;
    return a ? a.came + ((b.came - a.came) * (at - a.at)) / (b.at - a.at) : b.came;
  }
}
