import type { Effort } from "./budget.ts";
import { compose } from "./compose.ts";
import { Light } from "./light.ts";
import { Mask, SEEN } from "./mask.ts";
import { halve, newPicture, shrink, toRgb, type Picture, type Plane } from "./planes.ts";
import { resample, Stretches } from "./stretch.ts";

/** The longer side of what is blurred, measured and shown to the network, about. */
const SMALL = 320;
/** Lines, the fewer of the two sides, below which a picture is not halved. */
const FEW_LINES = 360;

/** Looks for the person in {@link SEEN} pixels of red, green, blue and opacity: how sure it is, 0…1, for each of them. */
export type Find = (rgba: Uint8ClampedArray<ArrayBuffer>) => Float32Array | null;

/** What stands behind the person; see Behind. */
export interface Background {
  at(width: number, height: number, small: Picture, mask: Plane, stretches: Stretches): Picture;
}

export interface Wanted {
  readonly background: Background | null;
  readonly light: boolean;
  readonly effort: Effort;
}

/** One frame after another: all the work on pixels. Without streams, workers and networks, so that it can be tested as it is. */
export class Pipeline {
  readonly #mask = new Mask();
  readonly #light = new Light();
  readonly #stretches = new Stretches();
  readonly #seen = newPicture(SEEN.width, SEEN.height);
  readonly #rgba = new Uint8ClampedArray(SEEN.width * SEEN.height * 4);
  #small: Picture = newPicture(2, 2);
  #since = Infinity; // frames since the person was looked for

  /** Another camera: nothing is known of its picture. */
  forget(): void {
    this.#mask.forget();
    this.#since = Infinity;
  }

  /** Changes `frame` or gives a smaller one. Without `find` nobody is looked for, and all of it is background. */
  run(frame: Picture, { background, light, effort }: Wanted, find: Find | null): Picture {
    const small = effort.half && Math.min(frame.y.width, frame.y.height) > FEW_LINES;
    const picture = small ? halve(frame) : frame;
    const miniature = this.#miniature(picture);
    if (light) {
      this.#light.read(miniature.y, background && this.#since < Infinity ? this.#mask.plane : null, this.#stretches);
      this.#light.lift(picture);
      this.#light.lift(miniature);
    }
    if (!background) return picture;
    if (find && ++this.#since >= effort.every) this.#look(miniature, find);
    const { width, height } = picture.y;
    const behind = background.at(width, height, miniature, this.#mask.plane, this.#stretches);
    for (const part of ["y", "u", "v"] as const)
      compose(picture[part], this.#mask.plane, behind[part], this.#stretches);
    return picture;
  }

  #miniature(picture: Picture): Picture {
    const { width, height } = picture.y;
    const factor = Math.max(1, Math.round(Math.max(width, height) / SMALL));
    const [w, h] = [Math.ceil(width / factor), Math.ceil(height / factor)];
    if (this.#small.y.width !== w || this.#small.y.height !== h) this.#small = newPicture(w, h);
    for (const part of ["y", "u", "v"] as const) shrink(picture[part], this.#small[part], factor);
    return this.#small;
  }

  #look(miniature: Picture, find: Find): void {
    for (const part of ["y", "u", "v"] as const) resample(miniature[part], this.#seen[part], this.#stretches);
    toRgb(this.#seen, this.#rgba);
    const answer = find(this.#rgba);
    if (!answer) return;
    this.#mask.learn(answer);
    this.#since = 0;
  }
}
