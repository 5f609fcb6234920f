import type { Plane } from "./planes.ts";

/** What the network sees, and how large its answer is. */
export const SEEN = { width: 256, height: 144 };

/** The newest answer's share: the rest is what was there before, so that edges do not flicker. */
const NEWEST = 0.6;

/** How sure it is, for each place, that the person is there. Until the first answer: nowhere, so that nothing of the room shows. */
export class Mask {
  readonly plane: Plane = { ...SEEN, data: new Uint8Array(SEEN.width * SEEN.height) };
  readonly #sure = new Float32Array(SEEN.width * SEEN.height);
  #fresh = true;

  /** Takes an answer, 0…1 row by row. */
  learn(answer: Float32Array): void {
    const share = this.#fresh ? 1 : NEWEST;
    this.#fresh = false;
    const { data } = this.plane;
    for (let i = 0; i < data.length; i++) {
      const sure = (this.#sure[i] as number) + share * ((answer[i] as number) - (this.#sure[i] as number));
      this.#sure[i] = sure;
      data[i] = sure * 255;
    }
  }

  /** Another camera, another picture. */
  forget(): void {
    this.plane.data.fill(0);
    this.#sure.fill(0);
    this.#fresh = true;
  }
}
