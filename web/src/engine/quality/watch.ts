import { ReportEveryMS, type Report } from "../../protocol/sealed.gen.ts";
import type { Negotiation } from "../negotiation.ts";
import { Scope } from "../scope.ts";
import type { CallState } from "../state.ts";
import { readCounters, type Counters } from "./counters.ts";
import { diagnose, QUEUE_MS, type Cause, type Finding } from "./diagnose.ts";
import { Line } from "./line.ts";
import { QualityLog, type QualityReceipt } from "./log.ts";
import { add, measure, nothing, type Tally } from "./tally.ts";

const EVERY_MS = 1_000;
/** A pulse of this page. One that comes a whole beat too late had no processor. */
const BEAT_MS = 250;
/** What the two reports of the last interval have to add up to, of a second in each, to be shown in the call. */
const SHOW_SHARE = 0.4;
/** At first and after an outage a browser begins low and feels its way up to what the line carries: that is no trouble. */
const WARM_UP_MS = 8_000;
/** By then a call has moved to the direct path, if there is one. */
const BEGINNING_MS = 5_000;
/** Within this the packets that an outage has swallowed are counted as lost. */
const SETTLE_MS = 3_000;

/** By so much the other side's clock may be ahead of this one: a report counts in the same minute on both sides. */
const SKEW_MS = 10_000;
/** Reports that wait for a path, five seconds in each; with more the oldest is dropped. */
const MAX_UNSENT = 60;
/** With a connection that is lost so many may be lost that have left. */
const MAX_TOLD = 2;

/** What the call page shows while it lasts; the rest has labels of its own. */
const shown: ReadonlySet<Cause> = new Set<Cause>(["uplink", "loss", "delay", "cpu"]);

export interface WatchConfig {
  readonly state: CallState;
  negotiation(): Negotiation | null;
  /** Nobody sees the call. */
  hidden(): boolean;
  /** The page's timers are few. */
  throttled(): boolean;
  /** Over the data channel; false if nothing would arrive just now. */
  send(report: Report): boolean;
}

/**
 * Measures what the call is like, once a second, tells the other side every five, and keeps both sides' numbers for
 * the receipt. It only looks: noticing a dead path, and adapting, is the work of others.
 */
export class Watch {
  readonly #config: WatchConfig;
  readonly #scope = new Scope();
  readonly #log = new QualityLog();
  #looking = false;
  #lookedAt = performance.now();
  #beatAt = performance.now();
  #stuck = 0; // since the last look, ms
  #of: Negotiation | null = null; // whose counters they are
  #before: Counters | null = null;
  readonly #line = new Line();
  #at: number | null = null; // of the last look, ms since media first flowed
  #unsent: Report[] = [];
  #told: Report[] = []; // the last ones
  #again: Report[] = []; // to be said once more
  #open: Tally = nothing; // since the last report
  #theirs: Tally = nothing; // their last report
  #since: number | null = null;
  #settled = 0; // since media first flowed: until then what an outage has swallowed is counted as lost
  #coldUntil = WARM_UP_MS;

  constructor(config: WatchConfig) {
    this.#config = config;
    this.#scope.interval(() => void this.look(), EVERY_MS);
    this.#scope.interval(() => this.#beat(), BEAT_MS);
  }

  async look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    const negotiation = this.#config.negotiation();
    const [at, from] = [this.#sinceLive(), performance.now()];
    const now = negotiation?.connected ? await counters(negotiation) : null;
    this.#looking = false;
    if (this.#scope.closed) return;
    const ms = Math.round(performance.now() - this.#lookedAt);
    this.#lookedAt += ms;
    this.#beat();
    this.#at = at;
    this.#count(negotiation, now, ms);
    if (now && now.came > 0) this.#line.look(from, now.came);
    this.#before = now;
    this.#of = negotiation;
    const report = this.#open.ms >= ReportEveryMS && this.#report();
    if (report) this.#unsent.push(report);
    this.#tell();
  }

  /** What was measured since the last report that left, for a goodbye to take along. Null if there is nothing. */
  last(): Report | null {
    const report = this.#report();
    const all = report ? [...this.#unsent, report] : this.#unsent;
    this.#unsent = [];
    const sum = all.map(tallyOf).reduce(add, nothing);
    return all.length > 1 ? { ...(all.at(-1) as Report), ...compact(sum), ms: sum.ms } : (all[0] ?? null);
  }

  /** Another connection: what was said last over the one before may not have arrived. */
  renew(): void {
    this.#again = this.#told;
  }

  /** What was measured since the last report, and keeps it. Null if there is nothing. */
  #report(): Report | null {
    const at = this.#at;
    const line = this.#line.take(performance.now());
    // Where a queue grows, what is on its way is late, and what is dropped is the bottleneck's.
    const tally = line && this.#open.rtt < QUEUE_MS ? { ...this.#open, ...line } : this.#open;
    this.#open = nothing;
    if (at === null || tally.ms === 0) return null;
    this.#log.mine(Math.round(at), tally);
    const left = { sent: this.#before?.sent ?? 0, path: this.#of?.gen ?? 0 };
    this.#show(tally);
    this.#theirs = nothing;
    return { ...compact({ ...tally, ...left }), t: "report", at: Math.round(at), ms: tally.ms };
  }

  /** What the other side has measured. */
  receive(report: Report): void {
    const { at, sent = 0, path = 0 } = report;
    const now = this.#sinceLive();
    const tally = tallyOf(report);
    if (now === null || !this.#log.theirs(Math.min(at, now + SKEW_MS), tally)) return;
    if (sent > 0) this.#line.heard({ at, sent, path }, performance.now());
    if (now - at < 3 * ReportEveryMS) this.#theirs = add(this.#theirs, tally); // not what waited for a path
  }

  receipt(): QualityReceipt | null {
    return this.#since === null ? null : this.#log.receipt();
  }

  close(): void {
    this.#scope.close();
    this.#config.state.set({ weak: null });
  }

  #beat(): void {
    const now = performance.now();
    const late = Math.round(now - this.#beatAt - BEAT_MS);
    if (late > BEAT_MS) this.#stuck += late;
    this.#beatAt = now;
  }

  /** What waited for a path goes first: both sides have the same numbers in the end. */
  #tell(): void {
    if (this.#unsent.length > MAX_UNSENT) this.#unsent.shift();
    while (this.#again[0] && this.#config.send(this.#again[0])) this.#again = this.#again.slice(1);
    if (this.#again.length > 0) return;
    for (let next = this.#unsent[0]; next && this.#config.send(next); next = this.#unsent[0]) {
      this.#told = [...this.#told, next].slice(-MAX_TOLD);
      this.#unsent.shift();
    }
  }

  #count(negotiation: Negotiation | null, now: Counters | null, ms: number): void {
    const { remote, error, path, held } = this.#config.state.view;
    const { fates } = this.#config.state.options.media;
    const at = this.#at;
    // A call begins over the relay where that was rehearsed: the way of its first seconds is no news.
    if (at !== null && path && (path.kind === "direct" || at > BEGINNING_MS)) this.#log.path(at, path);
    const before = negotiation === this.#of ? this.#before : null;
    const situation = {
      hidden: this.#config.hidden(),
      throttled: this.#config.throttled(),
      away: error?.code === "offline",
      noMic: fates.mic === "gone",
      noCam: fates.camera === "gone",
      hears: remote?.mic ?? false,
      sees: ((remote?.cam || remote?.screen) && !remote.held) ?? false,
      held: held === "network",
      again: at !== null && at < this.#settled,
      joined: at !== null,
    };
    const tally = measure(before, now, situation, ms, this.#stuck);
    this.#stuck = 0;
    if (!before || tally.stalled > 0) this.#line.cut();
    if (at === null) return;
    if (tally.stalled > 0) {
      this.#settled = at + SETTLE_MS;
      this.#coldUntil = at + WARM_UP_MS;
    }
    this.#open = add(this.#open, at < this.#coldUntil ? { ...tally, tight: 0 } : tally);
  }

  #show(mine: Tally): void {
    const finding = diagnose(mine, this.#theirs).find(({ cause }) => shown.has(cause)) ?? null;
    const weak = finding && finding.weight >= SHOW_SHARE * mine.ms ? finding : null;
    if (!same(weak, this.#config.state.view.weak)) this.#config.state.set({ weak });
  }

  /** Time since media first flowed; null before. */
  #sinceLive(): number | null {
    const { liveSince } = this.#config.state.view;
    this.#since = liveSince ?? this.#since;
    return liveSince === null ? null : Math.max(0, Date.now() - liveSince);
  }
}

function tallyOf({ t: _t, at: _at, sent: _sent, path: _path, ...numbers }: Report): Tally {
  return { ...nothing, ...numbers };
}

/** Without what is 0, which nobody has to say. */
function compact(numbers: Readonly<Record<string, number>>): Partial<Report> {
  return Object.fromEntries(Object.entries(numbers).filter(([, value]) => value !== 0));
}

async function counters({ pc }: Negotiation): Promise<Counters | null> {
  try {
    return readCounters((await pc.getStats()) as unknown as Iterable<[string, unknown]>);
  } catch {
    return null; // closed meanwhile
  }
}

function same(a: Finding | null, b: Finding | null): boolean {
  return a?.side === b?.side && a?.cause === b?.cause;
}
