import type { Grey } from "../vision/messages.ts";
import type { Verdict } from "./verdict.ts";

/**
 * - `looking`: too little was seen yet to say anything
 * - `covered`: black without any drawing: a slide, tape, a cap
 * - `frozen`: no new picture comes, or always the same
 * - `small`: fewer lines than a face needs
 * - `slow`: too few pictures a second
 */
export type CameraFinding = "looking" | "covered" | "frozen" | "small" | "slow" | "good";
export type CameraVerdict = Verdict<CameraFinding>;

/** What has come from a camera at one moment; no picture: none has come since the last one. */
export interface CameraSample {
  readonly at: number; // ms, of any clock
  readonly picture: Grey | null;
  readonly width: number; // px, of the camera's own picture
  readonly height: number;
  /** From one picture to the next by the camera's own dates, ms; empty where the browser does not tell. */
  readonly intervals: readonly number[];
}

/** A verdict needs this much. */
const ENOUGH_MS = 1_000;
/** Not one pixel of a camera that works stays the same for so long: there is always noise. */
const FROZEN_MS = 2_000;
/** With a cover on, cameras amplify what little there is: it may be dark grey, but nothing in it differs. */
const COVERED_LUMA = 40;
const COVERED_SPREAD = 6;
/** Tiles average the noise away: 16 by 9 of them. */
const TILE = 10; // px
const SMALL_LINES = 360; // of the shorter side
const TINY_LINES = 180;
/** At less, movements fall to pieces. Many cameras halve their rate in the dark. */
const SLOW_FPS = 10;
const STOPPING_FPS = 5;
const ENOUGH_INTERVALS = 8;

/** Looks at what a camera delivers, sample by sample, and says whether it works. Pure: no device, no clock. */
export class CameraCheck {
  #first: number | null = null;
  #latest: CameraSample | null = null;
  #picture: Grey | null = null;
  #changedAt = 0;

  push(sample: CameraSample): void {
    this.#first ??= sample.at;
    if (!this.#latest || (sample.picture && !same(sample.picture, this.#picture))) this.#changedAt = sample.at;
    this.#picture = sample.picture ?? this.#picture;
    this.#latest = sample;
  }

  get verdict(): CameraVerdict {
    const latest = this.#latest;
    if (!latest || this.#first === null) return { light: "working", finding: "looking" };
    if (this.#picture && covered(this.#picture)) return { light: "poor", finding: "covered" };
    if (latest.at - this.#changedAt >= FROZEN_MS) return { light: "poor", finding: "frozen" };
    if (latest.at - this.#first < ENOUGH_MS || !this.#picture) return { light: "working", finding: "looking" };
    const lines = Math.min(latest.width, latest.height);
    const fps = rateOf(latest.intervals);
    const values = { width: latest.width, height: latest.height, ...(fps !== null && { fps }) };
    if (lines < SMALL_LINES) return { light: lines < TINY_LINES ? "poor" : "fair", finding: "small", values };
    if (fps !== null && fps < SLOW_FPS) {
      return { light: fps < STOPPING_FPS ? "poor" : "fair", finding: "slow", values };
    }
    return { light: "good", finding: "good", values };
  }
}

/** Pictures a second, by the shorter ones of the intervals: where this machine is late, the camera is not to blame. */
export function rateOf(intervals: readonly number[]): number | null {
  if (intervals.length < ENOUGH_INTERVALS) return null;
  const sorted = intervals.toSorted((a, b) => a - b);
  const quarter = sorted[Math.floor(sorted.length / 4)] ?? 0;
  return quarter > 0 ? 1000 / quarter : null;
}

function same(a: Grey, b: Grey | null): boolean {
  return a.pixels.length === b?.pixels.length && a.pixels.every((value, i) => value === b.pixels[i]);
}

function covered({ width, height, pixels }: Grey): boolean {
  let [darkest, brightest] = [255, 0];
  for (let top = 0; top + TILE <= height; top += TILE) {
    for (let left = 0; left + TILE <= width; left += TILE) {
      let sum = 0;
      for (let y = top; y < top + TILE; y++) {
        for (let x = left; x < left + TILE; x++) sum += pixels[y * width + x] as number;
      }
      const mean = sum / TILE ** 2;
      darkest = Math.min(darkest, mean);
      brightest = Math.max(brightest, mean);
    }
  }
  return brightest < COVERED_LUMA && brightest - darkest < COVERED_SPREAD;
}
