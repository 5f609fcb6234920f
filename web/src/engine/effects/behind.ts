import type { Backdrop } from "./choice.ts";
import { fromRgb, newPicture, newPlane, shrink, type Picture, type Plane } from "./planes.ts";
import { drawScene } from "./scenes.ts";
import { Softener } from "./soften.ts";
import { resample, type Stretches } from "./stretch.ts";

/** Radius of the blur, of some 160 points of the picture's longer side: more points would look the same. */
const RADIUS = { light: 2, strong: 6 };

/** A picture to stand behind the person, at the size of the frames. Owns a decoded picture of theirs. */
export class Behind {
  #backdrop: Backdrop = { kind: "none" };
  #drawn: Picture | null = null;
  #own: ImageBitmap | null = null;
  #blurred: ReturnType<typeof newBlurred> | null = null;

  /** Rejects if the person's picture is none. */
  async choose(backdrop: Backdrop): Promise<void> {
    const own = backdrop.kind === "picture" ? await createImageBitmap(backdrop.picture) : null;
    this.#own?.close();
    this.#own = own;
    this.#backdrop = backdrop;
    this.#drawn = null;
  }

  /** For a frame of this size. `small` is the frame itself, smaller; a blur is made of it. The answer is good until the next. */
  at(width: number, height: number, small: Picture, mask: Plane, stretches: Stretches): Picture {
    if (this.#backdrop.kind === "blur") return this.#blur(small, mask, RADIUS[this.#backdrop.strength], stretches);
    if (this.#drawn?.y.width !== width || this.#drawn.y.height !== height) this.#drawn = this.#draw(width, height);
    return this.#drawn;
  }

  #blur(small: Picture, mask: Plane, radius: number, stretches: Stretches): Picture {
    const [width, height] = [(small.y.width + 1) >> 1, (small.y.height + 1) >> 1];
    if (this.#blurred?.picture.y.width !== width || this.#blurred.picture.y.height !== height)
      this.#blurred = newBlurred(width, height);
    const { picture, people, fewer, forLight, forColour } = this.#blurred;
    for (const part of ["y", "u", "v"] as const) shrink(small[part], picture[part], 2);
    const less = Math.ceil(radius / 2);
    resample(mask, people, stretches);
    forLight.weigh(people, radius);
    forLight.soften(picture.y, radius);
    resample(mask, fewer, stretches);
    forColour.weigh(fewer, less);
    forColour.soften(picture.u, less);
    forColour.soften(picture.v, less);
    return picture;
  }

  #draw(width: number, height: number): Picture {
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    if (!context) throw new Error("no canvas");
    if (this.#backdrop.kind === "scene") drawScene(this.#backdrop.scene, context, { width, height });
    else if (this.#own) cover(context, this.#own, { width, height });
    else {
      context.fillStyle = this.#backdrop.kind === "colour" ? this.#backdrop.colour : "#000";
      context.fillRect(0, 0, width, height);
    }
    const picture = newPicture(width, height);
    fromRgb(context.getImageData(0, 0, width, height).data, picture);
    return picture;
  }
}

function newBlurred(width: number, height: number) {
  const picture = newPicture(width, height);
  const { u } = picture;
  return {
    picture,
    people: newPlane(width, height),
    fewer: newPlane(u.width, u.height),
    forLight: new Softener(width, height),
    forColour: new Softener(u.width, u.height),
  };
}

/** Fills all, and cuts what is too much on two sides. */
function cover(
  context: OffscreenCanvasRenderingContext2D,
  picture: ImageBitmap,
  { width, height }: { width: number; height: number },
): void {
  const scale = Math.max(width / picture.width, height / picture.height);
  const [w, h] = [picture.width * scale, picture.height * scale];
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, (width - w) / 2, (height - h) / 2, w, h);
}
