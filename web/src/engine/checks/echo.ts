import { fft, type Complex } from "./fft.ts";
import type { Verdict } from "./verdict.ts";

/**
 * - `measuring`: not over yet
 * - `none`: nothing comes back that anybody would hear
 * - `some`: comes back weakly; the other person may hear it in a quiet moment
 * - `strong`: the other person hears themselves: headphones
 * - `unheard`: the microphone delivered nothing, so nothing is known
 */
export type EchoFinding = "measuring" | "none" | "some" | "strong" | "unheard";
export type EchoVerdict = Verdict<EchoFinding>;

/** A sweep through what speech is made of and every small speaker can play. */
const FROM_HZ = 500;
const TO_HZ = 4_000;
const CHIRP_S = 0.25;
const AMPLITUDE = 0.4;
/** How often it is played, and from start to start: longer than any echo is late. */
const CHIRPS = 5;
const EVERY_S = 0.9;
/** An echo canceller learns from the first ones, as it would from the first words of a call. */
const LEARNING = 2;
/** Air, buffers, and a Bluetooth speaker are later than this never. */
const LATEST_S = 0.6;
/** How long playing and listening take, s. */
export const PROBE_S = CHIRPS * EVERY_S + 0.2;
/** What comes back, against what was played: above the first one it is audible in a pause, above the second always. */
const SOME_DB = -50;
const STRONG_DB = -30;
/** What stands out less from the rest of the matched filter's output is chance. */
const SURE_DB = 10;
const SILENT_DB = -85;
/** The filter looks at 12 000 samples a second: enough for 4 kHz, and quick. */
const LOW_RATE = 12_000;

/** Everything that is played for one probe. */
export function probe(sampleRate: number): Float32Array<ArrayBuffer> {
  const samples = new Float32Array(Math.ceil(PROBE_S * sampleRate));
  const chirp = sweep(sampleRate, 0);
  for (let n = 0; n < CHIRPS; n++) samples.set(chirp, Math.round(n * EVERY_S * sampleRate));
  return samples;
}

/**
 * Says how much of a {@link probe} came back. `heard` is what the microphone delivered from the moment the probe began
 * to play. A matched filter (Turin 1960) finds the chirp wherever it is in time and far below the noise; its output for
 * the chirps after {@link LEARNING} is averaged, the highest place is the echo, the middle of all places is chance.
 */
export function judgeEcho(heard: Float32Array, sampleRate: number): EchoVerdict {
  if (level(heard) < SILENT_DB) return { light: "unknown", finding: "unheard" };
  const factor = Math.round(sampleRate / LOW_RATE);
  const rate = sampleRate / factor;
  const envelope = matched(decimate(heard, factor), rate);
  let at = 0;
  for (let i = 0; i < envelope.length; i++) if ((envelope[i] ?? 0) > (envelope[at] ?? 0)) at = i;
  const peak = envelope[at] ?? 0;
  const sorted = Float32Array.from(envelope).sort();
  const chance = sorted[sorted.length >> 1] ?? 0;
  const couplingDb = decibels(peak);
  const overNoiseDb = couplingDb - decibels(chance);
  const values = { couplingDb, overNoiseDb, delayMs: (1000 * at) / rate };
  if (overNoiseDb < SURE_DB || couplingDb < SOME_DB) return { light: "good", finding: "none", values };
  if (couplingDb < STRONG_DB) return { light: "fair", finding: "some", values };
  return { light: "poor", finding: "strong", values };
}

/** A linear sweep with soft ends; `phase` in radians. */
function sweep(sampleRate: number, phase: number): Float32Array {
  const length = Math.round(CHIRP_S * sampleRate);
  const rise = 0.02 * sampleRate;
  return Float32Array.from({ length }, (_, i) => {
    const t = i / sampleRate;
    const edge = Math.min(1, i / rise, (length - i) / rise);
    const turns = FROM_HZ * t + ((TO_HZ - FROM_HZ) * t * t) / (2 * CHIRP_S);
    return AMPLITUDE * edge * Math.sin(2 * Math.PI * turns + phase);
  });
}

/**
 * For each delay the amplitude of the chirp in what was heard, as a part of the one that was played. With a sine and a
 * cosine at once, as one complex chirp, so that it does not matter how the way through the air has turned the phase.
 */
function matched(heard: Float32Array, rate: number): Float32Array {
  const sine = sweep(rate, 0);
  const output = new Float32Array(Math.round(LATEST_S * rate));
  const size = 2 ** Math.ceil(Math.log2(sine.length + output.length));
  const energy = dot(sine, sine, 0) * (CHIRPS - LEARNING) * size;
  const chirp = spectrum(sweep(rate, Math.PI / 2), sine, size);
  for (let n = LEARNING; n < CHIRPS; n++) {
    const start = Math.round(n * EVERY_S * rate);
    const found = spectrum(heard.subarray(start, start + size), null, size);
    times(found, chirp);
    fft(found, true);
    for (let i = 0; i < output.length; i++)
      output[i] = (output[i] as number) + Math.hypot(found.re[i] as number, found.im[i] as number) / energy;
  }
  return output;
}

function spectrum(re: Float32Array, im: Float32Array | null, size: number): Complex {
  const samples = { re: new Float64Array(size), im: new Float64Array(size) };
  samples.re.set(re);
  if (im) samples.im.set(im);
  fft(samples);
  return samples;
}

/** Correlation: each value times the conjugate of the other. */
function times({ re, im }: Complex, by: Complex): void {
  for (let i = 0; i < re.length; i++) {
    const [a, b, c, d] = [re[i], im[i], by.re[i], by.im[i]] as [number, number, number, number];
    re[i] = a * c + b * d;
    im[i] = b * c - a * d;
  }
}

/** What `samples` has of `template` from there on; outside of it is silence. */
function dot(template: Float32Array, samples: Float32Array, from: number): number {
  const last = Math.min(template.length, samples.length - from);
  let sum = 0;
  for (let i = Math.max(0, -from); i < last; i++) sum += (template[i] as number) * (samples[from + i] as number);
  return sum;
}

/** Low-pass (windowed sinc, Hann) and every `factor`th sample. */
function decimate(samples: Float32Array, factor: number): Float32Array {
  const half = 8 * factor;
  const taps = Float32Array.from({ length: 2 * half + 1 }, (_, i) => {
    const x = (i - half) / factor;
    const sinc = x === 0 ? 1 : Math.sin(Math.PI * x * 0.9) / (Math.PI * x * 0.9);
    return ((0.9 / factor) * sinc * (1 + Math.cos((Math.PI * (i - half)) / half))) / 2;
  });
  return Float32Array.from({ length: Math.floor(samples.length / factor) }, (_, i) =>
    dot(taps, samples, i * factor - half),
  );
}

function level(samples: Float32Array): number {
  return decibels(Math.sqrt(samples.reduce((sum, s) => sum + s * s, 0) / Math.max(1, samples.length)));
}

function decibels(amplitude: number): number {
  return 20 * Math.log10(Math.max(amplitude, 1e-6));
}
