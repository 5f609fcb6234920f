/** Limits of guessing and of work, per call, kept by the host: the server is not trusted to count. */
export const LIMIT_GUESSES = 5;
/** Handshakes a host answers per hour. */
export const LIMIT_HANDSHAKES = 20;

const HANDSHAKE_WINDOW_MS = 3_600_000;
const MAX_DELAY_MS = 8_000;

/** Counts wrong passwords. Belongs to the call: stored under its id, so that a reload does not reset it. */
export interface Budget {
  /** Wrong passwords so far. */
  readonly failures: number;
  /** Further guesses that the host allowed. */
  readonly extra: number;
  /** Start of the current delay, ms since the epoch. */
  readonly lastFailure: number;
}

export const NEW_BUDGET: Budget = { failures: 0, extra: 0, lastFailure: 0 };

/** Whether no guess is left. */
export function budgetLocked(b: Budget): boolean {
  return b.failures >= LIMIT_GUESSES + b.extra;
}

export function guessesLeft(b: Budget): number {
  return Math.max(0, LIMIT_GUESSES + b.extra - b.failures);
}

/** When to answer a handshake that begins now: 0, 1, 2, 4, 8, 8… s after the last wrong password. */
export function answerAt(b: Budget, now: number): number {
  if (b.failures === 0) return now;
  const delay = Math.min(1_000 * 2 ** (b.failures - 1), MAX_DELAY_MS);
  // A clock that was set back must not keep guests out for longer.
  return Math.max(now, Math.min(b.lastFailure + delay, now + delay));
}

/** Counts handshakes in a sliding hour. */
export class Allowance {
  readonly #starts: number[] = [];

  /** Takes one; false if none is left. */
  take(now: number): boolean {
    while (this.#starts[0] !== undefined && now - this.#starts[0] >= HANDSHAKE_WINDOW_MS) this.#starts.shift();
    if (this.#starts.length >= LIMIT_HANDSHAKES) return false;
    this.#starts.push(now);
    return true;
  }
}
