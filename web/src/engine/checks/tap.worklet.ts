/// The entry of the tap: hands what it hears to the page, with the time of its first sample.
import type { TapBlock } from "./tap.ts";

/** 43 ms at 48 kHz: few messages, and still a live meter. */
const BLOCK = 2_048;
/** What Web Audio processes at once when nothing is connected. */
const QUANTUM = 128;

class Tap extends AudioWorkletProcessor {
  #samples = new Float32Array(BLOCK);
  #filled = 0;

  process([input]: Float32Array[][]): boolean {
    const heard = input?.[0] ?? new Float32Array(QUANTUM);
    for (let at = 0; at < heard.length;) {
      const part = heard.subarray(at, at + BLOCK - this.#filled);
      this.#samples.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled === BLOCK) this.#send(currentFrame + at - BLOCK);
    }
    return true; // ends with its context
  }

  #send(frame: number): void {
    const block: TapBlock = { frame, samples: this.#samples };
    this.port.postMessage(block, [block.samples.buffer]);
    this.#samples = new Float32Array(BLOCK);
    this.#filled = 0;
  }
}

registerProcessor("visavis-tap", Tap);
