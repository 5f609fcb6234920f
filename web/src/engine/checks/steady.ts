import type { Verdict } from "./verdict.ts";

/** A hint that comes and goes with each movement is no help. */
const HOLD_MS = 3_000;

/** Calms verdicts: what is shown stays until it has not been found again for three seconds. */
export class Steady<F extends string> {
  #shown: Verdict<F> | null = null;
  #seenAt = 0;

  /** Takes what was found at this moment, ms, and says what to show. Whatever was only being measured gives way at once. */
  take(found: Verdict<F>, at: number): Verdict<F> {
    const shown = this.#shown;
    if (found.finding === shown?.finding || !shown || shown.light === "working" || at - this.#seenAt >= HOLD_MS) {
      this.#shown = found;
      this.#seenAt = at;
    }
    return this.#shown ?? found;
  }
}
