/** How many looks at the loudness a judgement needs: half a minute of them, see LOOK_MS of talking.ts. */
const LOOKS = 300;
/** Levels are dB below full scale. What is always there, and what stands out from it, as shares of all looks. */
const FLOOR_SHARE = 0.05;
const VOICE_SHARE = 0.9;
/** Quieter surroundings disturb nobody, and a voice that stands out by more is understood. */
const FLOOR_DB = -45;
const DISTANCE_DB = 12;
/** {@link LocalMedia.level} is linear in decibels from there to full scale. */
const LOWEST_DB = -60;

/** Notices in a call that a microphone picks up a lot of noise: once, so that it does not nag. */
export class NoisyMic {
  readonly #looks: number[] = [];
  #told = false;

  /** True at the look that makes it certain. `level`: 0…1; pass only those of a microphone that is on. */
  look(level: number): boolean {
    if (this.#told) return false;
    this.#looks.push((1 - level) * LOWEST_DB);
    if (this.#looks.length > LOOKS) this.#looks.shift();
    if (this.#looks.length < LOOKS) return false;
    const sorted = this.#looks.toSorted((a, b) => a - b);
    const at = (share: number) => sorted[Math.floor(share * LOOKS)] ?? LOWEST_DB;
    const floor = at(FLOOR_SHARE);
    this.#told = floor > FLOOR_DB && at(VOICE_SHARE) - floor < DISTANCE_DB;
    return this.#told;
  }

  /** Another microphone, or another way to treat noise: what was heard counts no more. */
  forget(): void {
    this.#looks.length = 0;
  }
}
