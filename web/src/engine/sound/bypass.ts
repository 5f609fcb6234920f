/** A frame with this much of a voice is one; with less than the second, after a moment, it is the surroundings. */
const VOICE = 0.7;
const NO_VOICE = 0.15;
/** The end of a word is no noise, nor is its beginning, which is recognised late; frames of 10 ms. */
const AFTER_VOICE = 8;
const BEFORE_VOICE = 5;
/** What levels are the mean of, frames: the last second of each. */
const MEMORY = 100;
/** The least of so many frames is noise even when nobody pauses; smoothed, because single frames of noise scatter. */
const FLOOR_MEMORY = 300;
const SMOOTHING = 0.2;
/** How loud it is at this moment: of the last two or three frames. */
const MOMENT = 0.5;
/** Above noise, dB, from which on the sound as it is is the better one: while somebody speaks, and in the pauses. */
const SPEAKING = { from: 4, to: 22 } as const;
const PAUSE = { from: 24, to: 32 } as const;
/** How far the mix may go in a frame, so that it is not heard. */
const STEP_UP = 0.34;
const STEP_DOWN = 0.1;
/** Before anybody has spoken: a voice as calls have it, -26 dB below full scale. */
const USUAL_VOICE = 10 ** -2.6;
const LEAST = 1e-10;

/**
 * How much of the untouched sound to hand out. Whatever cleans a voice bends it, too: with RNNoise what is bent is some
 * 15 dB below the voice, however clean it was. So it is taken out of the way as soon as the noise is weaker than
 * that: first while somebody speaks, who masks the noise, then, in a place that is really quiet, altogether. Speech is judged
 * by the moment: a vowel is so much louder than the end of a word that one mix for both would be wrong for each.
 */
export class Bypass {
  readonly #voice = new Recent(USUAL_VOICE);
  readonly #noise = new Recent(LEAST);
  readonly #floor = new Recent(LEAST, FLOOR_MEMORY);
  #smooth: number | null = null;
  #moment = 0;
  #sinceVoice = AFTER_VOICE;
  #perhaps: number[] = []; // power of frames that are noise if no word begins
  #share = 0;

  /**
   * Of a frame: its mean power as it came in and after cleaning, and how likely it holds a voice. The share of the
   * untouched, 0…1.
   */
  next(power: number, cleaned: number, voice: number): number {
    const speaking = voice >= VOICE;
    this.#sinceVoice = voice > NO_VOICE ? 0 : this.#sinceVoice + 1;
    if (speaking) this.#voice.add(power);
    this.#smooth = this.#smooth === null ? power : this.#smooth + SMOOTHING * (power - this.#smooth);
    this.#floor.add(this.#smooth);
    this.#moment += MOMENT * (cleaned - this.#moment);
    this.#listen(power);
    const target = this.#wanted(voice > NO_VOICE);
    this.#share = Math.min(this.#share + STEP_UP, Math.max(this.#share - STEP_DOWN, target));
    return this.#share;
  }

  /** Voice over noise as it is known so far, dB. */
  get snrDb(): number {
    return this.#aboveNoise(this.#voice.mean);
  }

  #aboveNoise(power: number): number {
    return 10 * Math.log10(Math.max(power, LEAST) / Math.max(this.#noise.mean, this.#floor.least, LEAST));
  }

  #listen(power: number): void {
    if (this.#sinceVoice <= AFTER_VOICE) {
      this.#perhaps = [];
      return;
    }
    this.#perhaps.push(power);
    if (this.#perhaps.length > BEFORE_VOICE) this.#noise.add(this.#perhaps.shift() ?? 0);
  }

  #wanted(speaking: boolean): number {
    const { from, to } = speaking ? SPEAKING : PAUSE;
    const db = speaking ? this.#aboveNoise(this.#moment) : this.snrDb;
    return Math.min(1, Math.max(0, (db - from) / (to - from)));
  }
}

/** The last values, and another one until there are any. */
class Recent {
  readonly #values: Float64Array;
  readonly #before: number;
  #count = 0;

  constructor(before: number, memory = MEMORY) {
    this.#values = new Float64Array(memory);
    this.#before = before;
  }

  add(value: number): void {
    this.#values[this.#count++ % this.#values.length] = value;
  }

  get mean(): number {
    const known = this.#known;
    return known.length > 0 ? known.reduce((a, b) => a + b, 0) / known.length : this.#before;
  }

  get least(): number {
    return this.#known.reduce((a, b) => Math.min(a, b), this.#count > 0 ? Infinity : this.#before);
  }

  get #known(): Float64Array {
    return this.#values.subarray(0, this.#count);
  }
}
