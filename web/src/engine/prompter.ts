/** What one person says in a minute when nobody knows better, and what nobody goes below or beyond. */
const PACE = { usual: 130, least: 70, most: 220 }; // words a minute
/** A point of one word is still read. */
const LEAST_MS = 1_500;
/** Whoever is done early, or needs the last point again, speaks that much faster or slower than was thought. */
const CORRECTION = 1.12;
/** Turned this early it was a correction; later it was due anyway. */
const EARLY = 0.75;

/** Points or a text, line by line, that goes on as it is spoken. Pure: it is told when somebody speaks. */
export class Prompter {
  #lines: readonly string[] = [];
  #at = 0;
  #spokenMs = 0; // of the line at hand
  #pace = PACE.usual;

  get lines(): readonly string[] {
    return this.#lines;
  }
  /** The line at hand, from 0. */
  get at(): number {
    return this.#at;
  }
  /** Words a minute: what it has learnt. */
  get pace(): number {
    return this.#pace;
  }
  /** Of the line at hand, 0 … 1. */
  get done(): number {
    return Math.min(1, this.#spokenMs / this.#lasts());
  }

  /** Empty lines are none. Whoever edits while speaking stays where they are, as long as there is a line there. */
  setText(text: string): void {
    this.#lines = text
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line !== "");
    this.#go(this.#at);
  }

  /** So long was spoken since the last time, ms. True if another line is at hand now; the last one stays. */
  spoke(ms: number): boolean {
    this.#spokenMs += ms;
    if (this.#spokenMs < this.#lasts() || this.#at >= this.#lines.length - 1) return false;
    this.#go(this.#at + 1);
    return true;
  }

  next(): void {
    if (this.#spokenMs > 0 && this.done < EARLY) this.#learn(CORRECTION);
    this.#go(this.#at + 1);
  }

  back(): void {
    if (this.#spokenMs > 0 || this.#at === this.#lines.length - 1) this.#learn(1 / CORRECTION);
    this.#go(this.#at - 1);
  }

  #go(to: number): void {
    const at = Math.max(0, Math.min(to, this.#lines.length - 1));
    if (at !== this.#at) this.#spokenMs = 0;
    this.#at = at;
  }

  #learn(by: number): void {
    this.#pace = Math.max(PACE.least, Math.min(PACE.most, this.#pace * by));
  }

  #lasts(): number {
    return Math.max(LEAST_MS, (wordsIn(this.#lines[this.#at] ?? "") * 60_000) / this.#pace);
  }
}

/** Words; a long one takes as long as several. */
function wordsIn(line: string): number {
  return line.split(/\s+/).reduce((sum, word) => sum + Math.max(1, Math.round([...word].length / 12)), 0);
}
