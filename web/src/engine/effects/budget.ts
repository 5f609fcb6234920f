/** From 33 ms on a frame is late for the next one (30 a second). */
const LIMIT_MS = 33;
const FRAMES = 60;
/** Nothing at all is done only after so long: whoever hides a room wants it hidden, and a call that begins is busy for a while. */
const GIVE_UP_AFTER = 300;
const PERCENTILE = 0.95;
/** As easy as this it has to be before more is tried, and for so long. */
const EASY_MS = 20;
const FIRST_WAIT = 300; // frames: ten seconds
const LONGEST_WAIT = 9_000;

/** What is done for each frame. */
export interface Effort {
  readonly every: number; // the person is looked for in each frame, or in every second or third
  readonly half: boolean; // the picture has half the width and height
}

const efforts: readonly Effort[] = [
  { every: 1, half: false },
  { every: 2, half: false },
  { every: 3, half: false },
  { every: 3, half: true },
];

/**
 * How much a machine can do beside a call. Judges by the 95th percentile of the last 60 frames: too slow, and less is
 * done; too slow with the least for ten seconds, and nothing. Back up only after a time with much to spare, which doubles each time it was
 * not to be held. A frame with a search takes longer than those without: what counts is the mean of a turn.
 */
export class Budget {
  #step = 0;
  #off = false;
  #turn: number[] = [];
  #times: number[] = []; // ms
  #easy = 0; // frames
  #late = 0; // frames
  #wait = FIRST_WAIT;
  #tried = false; // the present step was gone up to, and has not proven itself

  get effort(): Effort {
    return efforts[this.#step] as Effort;
  }

  /** Steps below everything; 0: all is done. */
  get step(): number {
    return this.#step;
  }

  /** This machine cannot. It stays so until somebody makes a new one. */
  get off(): boolean {
    return this.#off;
  }

  /** Counts a frame that took `ms`. True: the effort has changed. */
  count(ms: number): boolean {
    if (this.#off) return false;
    this.#turn.push(ms);
    if (this.#turn.length < this.effort.every) return false;
    const mean = this.#turn.reduce((sum, each) => sum + each, 0) / this.#turn.length;
    for (let i = 0; i < this.#turn.length; i++) this.#times.push(mean);
    this.#turn = [];
    if (this.#times.length > FRAMES) this.#times.splice(0, this.#times.length - FRAMES);
    if (this.#times.length < FRAMES) return false;
    const late = percentile(this.#times, PERCENTILE);
    this.#late = late > LIMIT_MS ? this.#late + this.effort.every : 0;
    this.#easy = late < EASY_MS ? this.#easy + this.effort.every : 0;
    if (this.#late > 0) return this.#less();
    if (this.#tried && this.#easy >= FIRST_WAIT) {
      this.#tried = false;
      this.#wait = FIRST_WAIT;
    }
    return this.#step > 0 && this.#easy >= this.#wait && this.#more();
  }

  #less(): boolean {
    const last = this.#step + 1 === efforts.length;
    if (last && this.#late < GIVE_UP_AFTER) return false;
    if (this.#tried) this.#wait = Math.min(LONGEST_WAIT, this.#wait * 2);
    this.#tried = false;
    if (last) this.#off = true;
    else this.#step++;
    this.#begin();
    return true;
  }

  #more(): boolean {
    this.#step--;
    this.#tried = true;
    this.#begin();
    return true;
  }

  #begin(): void {
    this.#times = [];
    this.#turn = [];
    this.#easy = this.#late = 0;
  }
}

export function percentile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * part) - 1)] ?? 0;
}
