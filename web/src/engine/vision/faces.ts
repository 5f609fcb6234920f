import type { Detection, FaceDetector } from "@mediapipe/tasks-vision";
import type { Face, FaceAnswer, FaceRequest, Grey, Keypoints, Point, Sight } from "./messages.ts";

/** The network sees 128 by 128; more would only cost time. */
const LOOK_WIDTH = 320; // px
const GREY = { width: 160, height: 90 };

/** The part of the worker that finds faces. One picture at a time: the page waits for the answer before it sends another. */
export class FaceWorker {
  readonly #post: (answer: FaceAnswer) => void;
  readonly #load: () => Promise<FaceDetector>;
  readonly #canvas = new OffscreenCanvas(LOOK_WIDTH, 1);
  #detector: FaceDetector | null = null;

  constructor(load: () => Promise<FaceDetector>, post: (answer: FaceAnswer) => void) {
    this.#load = load;
    this.#post = post;
  }

  async receive(request: FaceRequest): Promise<void> {
    if (request.t === "look") return this.#look(request.picture);
    try {
      this.#detector ??= await this.#load();
      this.#post({ t: "ready" });
    } catch (error) {
      this.#post({ t: "failed", reason: String(error) });
    }
  }

  #look(picture: ImageBitmap): void {
    let sight: Sight | null = null;
    try {
      const pixels = this.#pixels(picture);
      const found = this.#detector?.detect(pixels).detections ?? [];
      sight = { faces: facesOf(found, pixels.width, pixels.height), grey: greyOf(pixels, GREY.width, GREY.height) };
    } finally {
      picture.close();
      this.#post({ t: "sight", sight });
    }
  }

  #pixels(picture: ImageBitmap): ImageData {
    const width = Math.min(LOOK_WIDTH, picture.width);
    const height = Math.max(1, Math.round((picture.height * width) / picture.width));
    Object.assign(this.#canvas, { width, height });
    const context = this.#canvas.getContext("2d", { willReadFrequently: true });
    if (!context) throw new Error("no canvas");
    context.drawImage(picture, 0, 0, width, height);
    return context.getImageData(0, 0, width, height);
  }
}

/** What the library found, as parts of the picture. */
export function facesOf(found: readonly Detection[], width: number, height: number): Face[] {
  const faces = found.flatMap(({ boundingBox, keypoints, categories }): Face[] => {
    const named = keypointsOf(keypoints);
    if (!boundingBox || !named) return [];
    const box = {
      x: boundingBox.originX / width,
      y: boundingBox.originY / height,
      width: boundingBox.width / width,
      height: boundingBox.height / height,
    };
    return [{ box, keypoints: named, score: categories[0]?.score ?? 0 }];
  });
  return faces.sort((a, b) => b.score - a.score);
}

/** In the order of the network's answer (BlazeFace, short range). */
function keypointsOf(points: readonly Point[]): Keypoints | null {
  const [rightEye, leftEye, nose, mouth, rightEar, leftEar] = points.map(({ x, y }) => ({ x, y }));
  if (!rightEye || !leftEye || !nose || !mouth || !rightEar || !leftEar) return null;
  return { rightEye, leftEye, nose, mouth, rightEar, leftEar };
}

/** Brightness (BT.601) at one pixel of each cell. */
export function greyOf({ data, width, height }: ImageData, columns: number, rows: number): Grey {
  const pixels = new Uint8ClampedArray(columns * rows);
  for (let y = 0, i = 0; y < rows; y++) {
    const line = Math.floor(((y + 0.5) * height) / rows) * width;
    for (let x = 0; x < columns; x++, i++) {
      const at = (line + Math.floor(((x + 0.5) * width) / columns)) * 4;
      pixels[i] = 0.299 * (data[at] ?? 0) + 0.587 * (data[at + 1] ?? 0) + 0.114 * (data[at + 2] ?? 0);
    }
  }
  return { width: columns, height: rows, pixels };
}
