/// The entry of noise suppression: one microphone in, the same without its noise out.
import { Denoiser } from "./denoiser.ts";

class Denoise extends AudioWorkletProcessor {
  readonly #denoiser: Denoiser;
  #ended = false;

  constructor(options: AudioWorkletNodeOptions) {
    super();
    const { module } = options.processorOptions as { module: WebAssembly.Module };
    this.#denoiser = new Denoiser(module);
    this.port.addEventListener("message", () => (this.#ended = true));
    this.port.start();
  }

  process([input]: Float32Array[][], [output]: Float32Array[][]): boolean {
    const out = output?.[0];
    if (out) this.#denoiser.process(input?.[0] ?? new Float32Array(out.length), out);
    return !this.#ended;
  }
}

registerProcessor("visavis-denoise", Denoise);
