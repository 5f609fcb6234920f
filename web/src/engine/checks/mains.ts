/** Two blocks of 200 ms tell 50 from 60 Hz with a Hann window: 10 Hz between its zeros. */
const BLOCK_S = 0.2;
/** What the minimum is taken of: five seconds. */
const BLOCKS = 25;
/** The fundamental and what rectifiers and transformers add. */
const HARMONICS = [1, 2, 3, 4, 5];
const LOWEST_DB = -110;

/**
 * How much of a sound is the hum of the mains. Hum never pauses and a voice does, so what counts for each frequency is the
 * least it had in any block of the last seconds.
 */
export class Mains {
  readonly #window: Float32Array;
  readonly #block: Float32Array;
  readonly #rate: number;
  #filled = 0;
  #blocks: { readonly hz50: readonly number[]; readonly hz60: readonly number[] }[] = [];

  constructor(sampleRate: number) {
    const size = Math.round(sampleRate * BLOCK_S);
    this.#rate = sampleRate;
    this.#block = new Float32Array(size);
    this.#window = Float32Array.from({ length: size }, (_, i) => 1 - Math.cos((2 * Math.PI * i) / size));
  }

  push(samples: Float32Array): void {
    for (let at = 0; at < samples.length;) {
      const part = samples.subarray(at, at + this.#block.length - this.#filled);
      this.#block.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled === this.#block.length) this.#measure();
    }
  }

  /** Of the stronger of the two, as RMS below full scale. */
  get hum(): { readonly hz: 50 | 60; readonly db: number } {
    const hz50 = this.#least("hz50");
    const hz60 = this.#least("hz60");
    const power = Math.max(hz50, hz60);
    const db = power > 0 ? Math.max(LOWEST_DB, 10 * Math.log10(power)) : LOWEST_DB;
    return { hz: hz60 > hz50 ? 60 : 50, db };
  }

  #least(of: "hz50" | "hz60"): number {
    if (this.#blocks.length === 0) return 0;
    return HARMONICS.reduce((sum, _, i) => sum + Math.min(...this.#blocks.map((b) => b[of][i] ?? 0)), 0);
  }

  #measure(): void {
    const windowed = this.#block.map((s, i) => s * (this.#window[i] ?? 0));
    const at = (hz: number) => goertzel(windowed, hz / this.#rate);
    // 300 Hz is a multiple of both: it is nobody's.
    const of = (hz: number) => HARMONICS.map((n) => ((n * hz) % 300 === 0 ? 0 : at(n * hz)));
    this.#blocks.push({ hz50: of(50), hz60: of(60) });
    if (this.#blocks.length > BLOCKS) this.#blocks.shift();
    this.#filled = 0;
  }
}

/** Mean power at one frequency, as a part of the sample rate (Goertzel 1958). Scaled so that a sine of amplitude 1 has ½. */
function goertzel(samples: Float32Array, frequency: number): number {
  const factor = 2 * Math.cos(2 * Math.PI * frequency);
  let before = 0;
  let last = 0;
  for (const sample of samples) {
    const next = sample + factor * last - before;
    before = last;
    last = next;
  }
  const magnitude = last * last + before * before - factor * last * before;
  return (2 * magnitude) / samples.length ** 2;
}
