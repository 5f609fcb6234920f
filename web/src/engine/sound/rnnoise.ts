/** Samples of a frame: 10 ms at 48 kHz. */
export const FRAME = 480;
/** What comes out belongs to what went in so many samples before: measured, see docs/performance.md. */
export const LAG = 960;
/** RNNoise counts in units of 16 bits. */
const SCALE = 32_768;

/** What the module has, by the short names its linker gave (scripts/rnnoise.mjs pins it by hash). */
interface Exports extends WebAssembly.Exports {
  readonly c: WebAssembly.Memory;
  readonly d: () => void; // constructors
  readonly e: (bytes: number) => number; // malloc
  readonly h: (model: number) => number; // rnnoise_create
  readonly j: (state: number, out: number, input: number) => number; // rnnoise_process_frame
}

/** RNNoise 0.2: a small recurrent network that takes noise out of a voice. One of these for each microphone. */
export class Rnnoise {
  readonly #exports: Exports;
  readonly #state: number;
  readonly #at: number; // of the frame in the memory of the module
  readonly #frame: Float32Array;

  constructor(module: WebAssembly.Module) {
    const { exports } = new WebAssembly.Instance(module, {
      a: {
        a: () => 0, // more memory: its 16 MB are for hundreds of these
        b: (to: number, from: number, bytes: number) => this.#copy(to, from, bytes),
      },
    });
    this.#exports = exports as Exports;
    this.#exports.d();
    this.#state = this.#exports.h(0);
    this.#at = this.#exports.e(4 * FRAME);
    this.#frame = new Float32Array(this.#exports.c.buffer, this.#at, FRAME);
  }

  /** Cleans a frame in place; returns how likely there is a voice in it, 0…1. */
  process(frame: Float32Array): number {
    for (let i = 0; i < FRAME; i++) this.#frame[i] = (frame[i] ?? 0) * SCALE;
    const voice = this.#exports.j(this.#state, this.#at, this.#at);
    for (let i = 0; i < FRAME; i++) frame[i] = (this.#frame[i] ?? 0) / SCALE;
    return voice;
  }

  #copy(to: number, from: number, bytes: number): void {
    new Uint8Array(this.#exports.c.buffer).copyWithin(to, from, from + bytes);
  }
}
