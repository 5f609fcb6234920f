import { shown } from "./compose.ts";
import type { Plane } from "./planes.ts";

/** Twice a running mean in each direction is close to what a lens does, at a cost that does not grow with the radius. */
const PASSES = 2;

/**
 * Blurs what is behind the person. Each pixel counts as far as it is not the person, else their colours would glow around
 * them. Owns its buffers: one for each size of plane.
 */
export class Softener {
  readonly #width: number;
  readonly #height: number;
  readonly #weights: Float32Array;
  readonly #blurredWeights: Float32Array;
  readonly #values: Float32Array;
  readonly #spare: Float32Array;

  constructor(width: number, height: number) {
    this.#width = width;
    this.#height = height;
    [this.#weights, this.#blurredWeights, this.#values, this.#spare] = [0, 0, 0, 0].map(
      () => new Float32Array(width * height),
    ) as [Float32Array, Float32Array, Float32Array, Float32Array];
  }

  /** Where the person is, 0…255, for the planes to come. */
  weigh(person: Plane, radius: number): void {
    // Never nothing: deep inside the person something has to stand, too.
    for (let i = 0; i < this.#weights.length; i++) this.#weights[i] = 257 - (shown[person.data[i] as number] as number);
    this.#blurredWeights.set(this.#weights);
    this.#blur(this.#blurredWeights, radius);
  }

  /** Blurs `plane` in place. */
  soften({ data }: Plane, radius: number): void {
    const [values, weights, blurred] = [this.#values, this.#weights, this.#blurredWeights];
    for (let i = 0; i < values.length; i++) values[i] = (data[i] as number) * (weights[i] as number);
    this.#blur(values, radius);
    for (let i = 0; i < values.length; i++) data[i] = (values[i] as number) / (blurred[i] as number) + 0.5;
  }

  #blur(values: Float32Array, radius: number): void {
    for (let pass = 0; pass < PASSES; pass++) {
      for (let y = 0; y < this.#height; y++)
        runningMean(values, this.#spare, { from: y * this.#width, step: 1, length: this.#width }, radius);
      for (let x = 0; x < this.#width; x++)
        runningMean(this.#spare, values, { from: x, step: this.#width, length: this.#height }, radius);
    }
  }
}

interface Line {
  readonly from: number;
  readonly step: number;
  readonly length: number;
}

/** Each sample becomes the mean of those at most `radius` away; beyond the edge there are none. */
function runningMean(source: Float32Array, target: Float32Array, { from, step, length }: Line, radius: number): void {
  let sum = 0;
  let count = Math.min(radius, length);
  for (let i = 0; i < count; i++) sum += source[from + i * step] as number;
  for (let i = 0, at = from; i < length; i++, at += step) {
    if (i + radius < length) {
      sum += source[at + radius * step] as number;
      count++;
    }
    if (i > radius) {
      sum -= source[at - (radius + 1) * step] as number;
      count--;
    }
    target[at] = sum / count;
  }
}
