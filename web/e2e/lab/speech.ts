import type { Page } from "@playwright/test";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** Of everything here, in hertz. */
const RATE = 16_000;
/** A frame is 25 ms of sound, and one begins each 12.5 ms. */
const FRAME = 400;
const HOP = 200;
const FFT = 512;
/** Third octaves, the lowest around 150 Hz: what STOI looks at (Taal et al., 2011, section II). */
const BANDS = 15;
/** Frames that are compared at a time: 375 ms, long enough for the rhythm of syllables. */
const SEGMENT = 30;
/** How far a jitter buffer may shift a segment against the others, in frames: 100 ms. */
const DRIFT = 8;

/** Speaks `text` into a WAV file (espeak-ng). */
export function speak(text: string, file: string): void {
  execFileSync("espeak-ng", ["-v", "en-us", "-s", "150", "-w", file, text]);
}

/** The samples of a file that [speak] wrote, at RATE. */
export function readSpeech(file: string): Float32Array {
  const bytes = readFileSync(file);
  const rate = bytes.readUInt32LE(24);
  const data = bytes.subarray(44); // espeak-ng writes the canonical header of 44 bytes
  const count = Math.floor(((data.length / 2) * RATE) / rate);
  return Float32Array.from({ length: count }, (_, i) => {
    const at = (i * rate) / RATE;
    const left = Math.floor(at);
    const sample = (k: number) => (2 * k + 1 < data.length ? data.readInt16LE(2 * k) / 32_768 : 0);
    return sample(left) + (at - left) * (sample(left + 1) - sample(left));
  });
}

/** What the page hears of the other person for so many seconds, at RATE. */
export async function listen(page: Page, seconds: number): Promise<Float32Array> {
  const samples = await page.locator("video[aria-label^='Picture of']").evaluate(
    async (video: HTMLVideoElement, { seconds, rate }) => {
      if (!(video.srcObject instanceof MediaStream)) throw new Error("no stream");
      const context = new AudioContext({ sampleRate: rate });
      const code = `registerProcessor("tape", class extends AudioWorkletProcessor {
        process([input]) { if (input[0]) this.port.postMessage(input[0].slice()); return true; }
      })`;
      await context.audioWorklet.addModule(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
      const tape = new AudioWorkletNode(context, "tape");
      context.createMediaStreamSource(video.srcObject).connect(tape);
      const heard: number[] = [];
      await new Promise<void>((full) => {
        tape.port.addEventListener("message", ({ data }: MessageEvent<Float32Array>) => {
          for (const sample of data) heard.push(Math.round(sample * 32_768));
          if (heard.length >= seconds * rate) full();
        });
        tape.port.start();
      });
      await context.close();
      return heard;
    },
    { seconds, rate: RATE },
  );
  return Float32Array.from(samples, (s) => s / 32_768);
}

/**
 * How alike what was heard is to the reference, which the speaker says over and over: the mean correlation of the
 * envelopes of third-octave bands over segments of 375 ms, after STOI. 1 is the same, and what has nothing to do with
 * the reference has about what [intelligibility] gives for other speech.
 */
export function intelligibility(heard: Float32Array, reference: Float32Array): number {
  const [h, r] = [envelopes(heard), envelopes(reference)];
  const lag = bestLag(h, r);
  const floor = Math.max(...r.map(loudness)) / 100; // 40 dB below the loudest: a pause
  const scores: number[] = [];
  for (let at = DRIFT; at + SEGMENT + DRIFT < h.length; at += SEGMENT / 2) {
    const wanted = Array.from({ length: SEGMENT }, (_, i) => r[(at + i + lag) % r.length] ?? []);
    if (Math.max(...wanted.map(loudness)) < floor) continue;
    const shifts = Array.from({ length: 2 * DRIFT + 1 }, (_, i) => at + i - DRIFT);
    scores.push(Math.max(...shifts.map((s) => alike(h.slice(s, s + SEGMENT), wanted))));
  }
  return mean(scores);
}

/** For each frame the amplitude of each band. */
function envelopes(samples: Float32Array): number[][] {
  const frames: number[][] = [];
  for (let at = 0; at + FRAME <= samples.length; at += HOP) {
    const power = spectrum(samples.subarray(at, at + FRAME));
    frames.push(
      Array.from({ length: BANDS }, (_, band) => {
        const center = (150 * 2 ** (band / 3) * FFT) / RATE;
        const from = Math.floor(center * 2 ** (-1 / 6));
        const to = Math.max(from + 1, Math.floor(center * 2 ** (1 / 6)));
        return Math.sqrt(power.slice(from, to).reduce((a, b) => a + b, 0));
      }),
    );
  }
  return frames;
}

/** Power of the first half of the frequencies, by a fast Fourier transform of the windowed frame. */
function spectrum(frame: Float32Array): number[] {
  const [re, im] = [new Float64Array(FFT), new Float64Array(FFT)];
  for (let i = 0; i < frame.length; i++) {
    let reversed = 0;
    for (let bit = 1, k = i; bit < FFT; bit <<= 1, k >>= 1) reversed = (reversed << 1) | (k & 1);
    re[reversed] = (frame[i] ?? 0) * (0.5 - 0.5 * Math.cos((2 * Math.PI * i) / frame.length));
  }
  for (let half = 1; half < FFT; half *= 2) {
    for (let start = 0; start < FFT; start += 2 * half) {
      for (let k = 0; k < half; k++) butterfly(re, im, start + k, start + k + half, (-Math.PI * k) / half);
    }
  }
  return Array.from({ length: FFT / 2 }, (_, k) => (re[k] ?? 0) ** 2 + (im[k] ?? 0) ** 2);
}

function butterfly(re: Float64Array, im: Float64Array, a: number, b: number, angle: number): void {
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  const [x, y] = [re[b] ?? 0, im[b] ?? 0];
  const [tr, ti] = [x * c - y * s, x * s + y * c];
  const [ar, ai] = [re[a] ?? 0, im[a] ?? 0];
  [re[a], im[a], re[b], im[b]] = [ar + tr, ai + ti, ar - tr, ai - ti];
}

/** Where in the reference the recording begins, in frames. */
function bestLag(heard: number[][], reference: number[][]): number {
  const [h, r] = [heard.map(loudness), reference.map(loudness)];
  const scores = r.map((_, lag) =>
    correlation(
      h,
      h.map((_, i) => r[(i + lag) % r.length] ?? 0),
    ),
  );
  return scores.indexOf(Math.max(...scores));
}

/** Mean over bands. */
function alike(a: number[][], b: number[][]): number {
  const band = (frames: number[][], k: number) => frames.map((f) => f[k] ?? 0);
  return mean(Array.from({ length: BANDS }, (_, k) => correlation(band(a, k), band(b, k))));
}

function correlation(a: number[], b: number[]): number {
  const [ma, mb] = [mean(a), mean(b)];
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [(a[i] ?? 0) - ma, (b[i] ?? 0) - mb];
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  return aa > 0 && bb > 0 ? ab / Math.sqrt(aa * bb) : 0;
}

const loudness = (frame: number[]) => Math.hypot(...frame);
const mean = (xs: number[]) => xs.reduce((a, b) => a + b, 0) / Math.max(1, xs.length);
