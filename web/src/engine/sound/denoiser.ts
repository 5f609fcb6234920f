import { Bypass } from "./bypass.ts";
import { FRAME, LAG, Rnnoise } from "./rnnoise.ts";

/** Of 600 Hz at 48 kHz, for a one-pole low-pass: below it is most of a fan, above it what makes speech clear. */
const SPLIT = 1 - Math.exp((-2 * Math.PI * 600) / 48_000);

/**
 * Takes noise out of sound that comes in blocks of any size and hands out as much as came in: {@link FRAME} + {@link LAG}
 * samples later, 30 ms at 48 kHz. The untouched sound it mixes in is as late; how much of it is decided for low and high
 * tones apart, since noise is seldom in both.
 */
export class Denoiser {
  readonly #rnnoise: Rnnoise;
  readonly #low = { bypass: new Bypass(), share: 0 };
  readonly #high = { bypass: new Bypass(), share: 0 };
  readonly #in = new Float32Array(FRAME);
  readonly #out = new Float32Array(FRAME); // handed out while #in is filled
  readonly #clean = new Float32Array(FRAME);
  /** What came in, as late as what RNNoise makes of it. */
  readonly #late = Array.from({ length: LAG / FRAME + 1 }, () => new Float32Array(FRAME));
  #at = 0;
  readonly #heard = new Halves(); // of what comes in
  readonly #left = new Halves(); // of what RNNoise makes of it
  #bent = 0; // low-pass of what RNNoise changes

  constructor(module: WebAssembly.Module) {
    this.#rnnoise = new Rnnoise(module);
  }

  process(input: Float32Array, output: Float32Array): void {
    for (let i = 0; i < input.length; i++) {
      output[i] = this.#out[this.#at] ?? 0;
      this.#in[this.#at] = input[i] ?? 0;
      if (++this.#at === FRAME) this.#frame();
    }
  }

  #frame(): void {
    this.#at = 0;
    this.#clean.set(this.#in);
    const voice = this.#rnnoise.process(this.#clean);
    const from = { low: this.#low.share, high: this.#high.share };
    this.#decide(voice);
    const step = { low: (this.#low.share - from.low) / FRAME, high: (this.#high.share - from.high) / FRAME };
    const dry = this.#delay();
    for (let i = 0; i < FRAME; i++) {
      const wet = this.#clean[i] ?? 0;
      const changed = (dry[i] ?? 0) - wet;
      this.#bent += SPLIT * (changed - this.#bent);
      const low = (from.low += step.low) * this.#bent;
      this.#out[i] = wet + low + (from.high += step.high) * (changed - this.#bent);
    }
  }

  #decide(voice: number): void {
    const came = this.#heard.next(this.#in);
    const left = this.#left.next(this.#clean);
    this.#low.share = this.#low.bypass.next(came.low, left.low, voice);
    this.#high.share = this.#high.bypass.next(came.high, left.high, voice);
  }

  /** Takes the frame in and gives the one that is due. */
  #delay(): Float32Array {
    const oldest = this.#late.shift() ?? new Float32Array(FRAME);
    oldest.set(this.#in);
    this.#late.push(oldest);
    return this.#late[0] ?? oldest;
  }
}

/** Mean power below and above {@link SPLIT}, frame by frame. */
class Halves {
  #low = 0;

  next(frame: Float32Array): { low: number; high: number } {
    const power = { low: 0, high: 0 };
    for (const s of frame) {
      this.#low += SPLIT * (s - this.#low);
      power.low += this.#low ** 2;
      power.high += (s - this.#low) ** 2;
    }
    return { low: power.low / frame.length, high: power.high / frame.length };
  }
}
