import { FaceDetector } from "../vision/facedetector.ts";
import { greyOf } from "../vision/faces.ts";
import type { Face, Grey } from "../vision/messages.ts";
import { startWorker } from "../workers.ts";
import { CameraCheck, type CameraVerdict } from "./camera.ts";
import { framesOf, type CameraFrames } from "./cameraframes.ts";
import { framingVerdict, type FramingVerdict } from "./framing.ts";
import { grainOf, lightVerdict, type LightVerdict } from "./light.ts";
import { Steady } from "./steady.ts";

const SAMPLE_MS = 250;
/** Faces are looked for in every third sample. */
const FACES_EVERY = 3;
const GREY = { width: 160, height: 90 };
/** The least of so many: a camera that moves changes every pixel, too, but not all the time. */
const GRAINS = 4;

export interface PictureFindings {
  readonly camera: CameraVerdict;
  readonly light: LightVerdict | null; // null: no picture yet
  readonly framing: FramingVerdict | null; // null: faces are not looked for, or cannot be
}

export interface WatchOptions {
  /** Also looks for faces: loads 4 MB, once. */
  readonly faces: boolean;
  readonly found: (findings: PictureFindings) => void;
  /** Each look for faces: the largest; `aspect` is the picture's. */
  readonly saw?: (face: Face | null, aspect: number) => void;
}

/**
 * Looks at a camera's picture four times a second, and says what it is like, until {@link close}. Nothing of it is kept or
 * leaves the device; the track stays its owner's.
 */
export class PictureWatch {
  readonly #found: WatchOptions["found"];
  readonly #saw: WatchOptions["saw"];
  readonly #frames: CameraFrames;
  readonly #detector: FaceDetector | null;
  readonly #canvas = new OffscreenCanvas(GREY.width, GREY.height);
  readonly #camera = new CameraCheck();
  readonly #light = new Steady<LightVerdict["finding"]>();
  readonly #framing = new Steady<FramingVerdict["finding"]>();
  #timer: ReturnType<typeof setTimeout> | null = null;
  #closed = false;
  #samples = 0;
  #before: Grey | null = null;
  #grains: number[] = [];
  #face: Face | null = null;
  #shown: { light: LightVerdict | null; framing: FramingVerdict | null };

  constructor(track: MediaStreamTrack, { faces, found, saw }: WatchOptions) {
    this.#found = found;
    this.#saw = saw;
    this.#frames = framesOf(track);
    this.#detector = faces ? new FaceDetector(() => startWorker("vision")) : null;
    this.#shown = { light: null, framing: faces ? { light: "working", finding: "looking" } : null };
    void this.#sample();
  }

  close(): void {
    this.#closed = true;
    if (this.#timer) clearTimeout(this.#timer);
    this.#frames.close();
    this.#detector?.close();
  }

  async #sample(): Promise<void> {
    const bitmap = await this.#frames.take();
    if (this.#closed) return bitmap?.close();
    const at = performance.now();
    const { width, height } = bitmap ?? { width: 0, height: 0 };
    const picture = bitmap && this.#grey(bitmap);
    this.#camera.push({ at, picture, width, height, intervals: this.#frames.intervals });
    if (picture) this.#judge(picture, at);
    if (bitmap) this.#look(bitmap, width / height);
    this.#tell();
    this.#timer = setTimeout(() => void this.#sample(), SAMPLE_MS);
  }

  #judge(picture: Grey, at: number): void {
    if (this.#before) this.#grains = [...this.#grains, grainOf(this.#before, picture)].slice(-GRAINS);
    this.#before = picture;
    const grain = this.#grains.length === GRAINS ? Math.min(...this.#grains) : 0;
    this.#shown.light = this.#light.take(lightVerdict(picture, this.#face?.box ?? null, grain), at);
  }

  /** Takes the bitmap over. */
  #look(bitmap: ImageBitmap, aspect: number): void {
    if (!this.#detector || !this.#shown.framing || this.#samples++ % FACES_EVERY > 0) return bitmap.close();
    void this.#detector.detect(bitmap).then(async (sight) => {
      if (this.#closed) return;
      if (sight) {
        const { faces } = sight;
        this.#face = faces.reduce<Face | null>((a, b) => (a && a.box.height >= b.box.height ? a : b), null);
        this.#shown.framing = this.#framing.take(framingVerdict(faces, aspect), performance.now());
        this.#saw?.(this.#face, aspect);
      } else if (this.#detector && !(await this.#detector.load())) {
        this.#shown.framing = null; // it cannot be had here: the light alone
        this.#face = null;
      } else return;
      if (!this.#closed) this.#tell();
    });
  }

  #tell(): void {
    this.#found({ camera: this.#camera.verdict, ...this.#shown });
  }

  /** One pixel of each cell, as it is: their mean would have less noise than the picture. */
  #grey(bitmap: ImageBitmap): Grey | null {
    const { width, height } = GREY;
    const context = this.#canvas.getContext("2d", { willReadFrequently: true });
    if (!context) return null;
    context.imageSmoothingEnabled = false;
    context.drawImage(bitmap, 0, 0, width, height);
    return greyOf(context.getImageData(0, 0, width, height), width, height);
  }
}
