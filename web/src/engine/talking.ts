/** How often the loudness of a muted microphone is looked at, ms. */
export const LOOK_MS = 100;
/** Somebody who speaks is louder than this on the scale of {@link LocalMedia.level}: -33 dB. */
const LOUD = 0.45;
/** Two seconds of looks, and how many of them have to be loud: a cough, a click or a key are shorter. */
const LOOKS = 20;
const LOUD_LOOKS = 8;
/** Nobody is told again sooner. */
const PAUSE_MS = 60_000;

/** Notices that somebody talks while muted: once for each time of being muted, so that it does not nag. */
export class Talking {
  #loud: boolean[] = [];
  #told = false; // in this time of being muted
  #toldAt = -PAUSE_MS;

  /** True at the look that makes it certain. `now` in ms, any clock. */
  look(muted: boolean, level: number, now: number): boolean {
    if (!muted) {
      this.#loud = [];
      this.#told = false;
      return false;
    }
    this.#loud = [...this.#loud, level > LOUD].slice(-LOOKS);
    const talking = this.#loud.filter(Boolean).length >= LOUD_LOOKS;
    if (!talking || this.#told || now - this.#toldAt < PAUSE_MS) return false;
    this.#told = true;
    this.#toldAt = now;
    return true;
  }
}
