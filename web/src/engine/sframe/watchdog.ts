import type { StreamCounts } from "./messages.ts";

/** So many frames in a row that do not authenticate are no accident. */
const LIMIT_FAILURES = 100;
/** So many frames past the transform are no matter of when counters were read. */
const LIMIT_BYPASSED = 3;
const LIMIT_BYPASSED_LOOKS = 2;
/** Frames come, and none of them authenticates. */
const LIMIT_USELESS = 10;
const LIMIT_USELESS_MS = 600;
/** So long keys may be missing: a re-key under way brings them. */
const LIMIT_WAITING_MS = 15_000;
/** So long before somebody is asked for them. */
const ASK_AFTER_MS = 2_000;

export type Verdict = "ok" | "needs-keys" | "failed";

/** One stream at one moment. `browser`: frames that the browser itself says it has sent, or received. */
export interface Look {
  readonly at: number; // ms
  readonly browser: number;
  readonly counts: StreamCounts;
}

/**
 * Judges one stream by what its transform has counted beside what the browser has counted. Browsers have skipped
 * transforms without a word; then frames are sent in clear, or played without having been authenticated.
 */
export class Watchdog {
  readonly #direction: "send" | "receive";
  #before: Look | null = null;
  #bypassed = { frames: 0, looks: 0 };
  #useless = 0; // frames since one was good
  #uselessSince = 0;
  #waitingSince: number | null = null;

  constructor(direction: "send" | "receive") {
    this.#direction = direction;
  }

  judge(now: Look): Verdict {
    const before = this.#before ?? now;
    this.#before = now;
    const through = now.counts.entered - before.counts.entered;
    if (this.#bypass(now.browser - before.browser, now.counts.busy ? true : through)) return "failed";
    return this.#direction === "send" ? "ok" : this.#receiving(now, before, through);
  }

  /**
   * Two looks, because the two counters are read one after the other and the stream may just have ended. A machine with
   * too much to do may work on one frame for longer than that.
   */
  #bypass(browser: number, through: number | true): boolean {
    if (through) this.#bypassed = { frames: 0, looks: 0 };
    else if (browser > 0) {
      this.#bypassed.frames += browser;
      this.#bypassed.looks++;
    }
    return this.#bypassed.frames >= LIMIT_BYPASSED && this.#bypassed.looks >= LIMIT_BYPASSED_LOOKS;
  }

  #receiving({ at, counts }: Look, before: Look, through: number): Verdict {
    if (counts.failures > LIMIT_FAILURES) return "failed";
    if (counts.waiting) {
      this.#waitingSince ??= at;
      this.#useless = 0;
      const ms = at - this.#waitingSince;
      return ms > LIMIT_WAITING_MS ? "failed" : ms >= ASK_AFTER_MS ? "needs-keys" : "ok";
    }
    this.#waitingSince = null;
    if (counts.good > before.counts.good || this.#useless === 0) this.#uselessSince = at;
    this.#useless = counts.good > before.counts.good ? 0 : this.#useless + through;
    return this.#useless >= LIMIT_USELESS && at - this.#uselessSince >= LIMIT_USELESS_MS ? "failed" : "ok";
  }
}
