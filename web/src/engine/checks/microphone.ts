import { Mains } from "./mains.ts";
import type { Verdict } from "./verdict.ts";

/**
 * - `listening`: too little was heard yet to say anything
 * - `silent`: nothing at all comes: the device is dead, or muted by its own switch
 * - `quiet`: nobody was heard, or hardly
 * - `clipping`: too loud for the device
 * - `hum`: mains, 50 or 60 Hz
 * - `noisy`: the surroundings are too loud beside the voice
 */
export type MicFinding = "listening" | "silent" | "quiet" | "good" | "clipping" | "hum" | "noisy";
export type MicVerdict = Verdict<MicFinding>;

const FRAME_MS = 20;
/** What a verdict looks back on. */
const WINDOW_FRAMES = 5_000 / FRAME_MS;
/** A verdict needs this much, s. */
const ENOUGH_S = 1;
/** Whoever has said nothing for so long will not be heard, s. */
const PATIENCE_S = 3;
/** All levels are dB below full scale, RMS. A 16-bit device that is open and hears nothing is at -90 or louder. */
const SILENT_DB = -85;
const LOWEST_DB = -110;
/** Speech as calls want it is at -20 to -35; what is weaker than this drowns in the noise of any amplifier. */
const QUIET_DB = -48;
/** A voice stands out by this much from what is always there. */
const VOICE_OVER_FLOOR_DB = 8;
/** And there is always more than a click of it. */
const VOICE_FRAMES = 12;
/** A sample this near to full scale was cut off; several in a frame are no accident. */
const FULL = 0.985;
const CLIPPED_SAMPLES = 4;
const CLIPPED_SHARE = 0.03; // of the frames with a voice
/** Voice over noise: below the first one has to listen hard, below the second nobody wants to. */
const FAIR_SNR_DB = 18;
const POOR_SNR_DB = 10;
/** Without a voice to compare with: as loud as a vacuum cleaner in the next room. */
const LOUD_FLOOR_DB = -42;
/** Hum that is weaker is masked by any speech. */
const HUM_DB = -62;
/** Averages over 100 ms before the minimum is looked for: single frames of noise scatter. */
const SMOOTH = 5;

interface Frame {
  readonly power: number;
  readonly clipped: boolean;
}

/**
 * Listens to a microphone, block by block, and says what others will hear. Pure: no device, no clock. The noise floor is
 * the minimum of the smoothed power of the last five seconds (minimum statistics, Martin 2001): everybody who talks
 * pauses for a tenth of a second. The level of the voice is the mean power of the frames that stand out from it.
 *
 * It hears what the track delivers, so with the browser's noise suppression on it judges what is left of the noise.
 */
export class MicrophoneCheck {
  readonly #size: number; // samples of a frame
  readonly #rest: Float32Array;
  readonly #mains: Mains;
  #filled = 0;
  #frames: Frame[] = [];
  #heard = 0; // frames so far

  constructor(sampleRate: number) {
    this.#size = Math.round((sampleRate * FRAME_MS) / 1000);
    this.#rest = new Float32Array(this.#size);
    this.#mains = new Mains(sampleRate);
  }

  /** Takes the next samples, -1…1, any number of them. */
  push(samples: Float32Array): void {
    this.#mains.push(samples);
    for (let at = 0; at < samples.length;) {
      const part = samples.subarray(at, at + this.#size - this.#filled);
      this.#rest.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled === this.#size) this.#frame();
    }
  }

  get verdict(): MicVerdict {
    const seconds = (this.#heard * FRAME_MS) / 1000;
    if (seconds < ENOUGH_S) return { light: "working", finding: "listening" };
    const floorDb = decibels(floorOf(this.#frames));
    const loudest = decibels(Math.max(...this.#frames.map((f) => f.power)));
    if (loudest < SILENT_DB) return { light: "poor", finding: "silent", values: { loudestDb: loudest } };
    const least = 10 ** ((floorDb + VOICE_OVER_FLOOR_DB) / 10);
    const voice = this.#frames.filter((f) => f.power > least && decibels(f.power) > QUIET_DB - 12);
    const { hz, db: humDb } = this.#mains.hum;
    const hum = humDb > HUM_DB && humDb > floorDb - 3;
    if (voice.length < VOICE_FRAMES) {
      if (hum) return { light: "poor", finding: "hum", values: { hz, humDb } };
      if (floorDb > LOUD_FLOOR_DB) return { light: "poor", finding: "noisy", values: { floorDb } };
      if (seconds < PATIENCE_S) return { light: "working", finding: "listening", values: { floorDb } };
      return { light: "poor", finding: "quiet", values: { floorDb } };
    }
    const voiceDb = decibels(mean(voice.map((f) => f.power)));
    const values = { voiceDb, floorDb, snrDb: voiceDb - floorDb };
    return this.#withVoice(values, voice, hum ? { hz, humDb } : null);
  }

  #withVoice(
    values: { voiceDb: number; floorDb: number; snrDb: number },
    voice: readonly Frame[],
    hum: { hz: number; humDb: number } | null,
  ): MicVerdict {
    const clippedShare = voice.filter((f) => f.clipped).length / voice.length;
    if (clippedShare > CLIPPED_SHARE)
      return { light: "poor", finding: "clipping", values: { ...values, clippedShare } };
    if (values.voiceDb < QUIET_DB) return { light: "poor", finding: "quiet", values };
    if (hum && values.snrDb < 35) return { light: "fair", finding: "hum", values: { ...values, ...hum } };
    if (values.snrDb < POOR_SNR_DB) return { light: "poor", finding: "noisy", values };
    if (values.snrDb < FAIR_SNR_DB) return { light: "fair", finding: "noisy", values };
    return { light: "good", finding: "good", values };
  }

  #frame(): void {
    let sum = 0;
    let full = 0;
    for (const s of this.#rest) {
      sum += s * s;
      if (Math.abs(s) >= FULL) full++;
    }
    this.#frames.push({ power: sum / this.#size, clipped: full >= CLIPPED_SAMPLES });
    if (this.#frames.length > WINDOW_FRAMES) this.#frames.shift();
    this.#filled = 0;
    this.#heard++;
  }
}

function floorOf(frames: readonly Frame[]): number {
  let least = Infinity;
  for (let i = SMOOTH; i <= frames.length; i++) {
    least = Math.min(least, mean(frames.slice(i - SMOOTH, i).map((f) => f.power)));
  }
  return least;
}

function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}

function decibels(power: number): number {
  return power > 0 ? Math.max(LOWEST_DB, 10 * Math.log10(power)) : LOWEST_DB;
}
