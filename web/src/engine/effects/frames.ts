import { fromRgb, newPicture, splitColours, toRgb, type Picture } from "./planes.ts";

/** Reads pictures from what a camera gives, and makes frames of them again. Owns its buffers: a picture is good until the next. */
export class Frames {
  #picture: Picture = newPicture(2, 2);
  #bytes = new Uint8Array(0);
  #canvas: OffscreenCanvas | null = null;

  async read(frame: VideoFrame): Promise<Picture> {
    const { width, height } = frame.visibleRect ?? { width: frame.codedWidth, height: frame.codedHeight };
    const picture = this.#sized(width, height);
    const { format } = frame;
    if (format === "I420") {
      await frame.copyTo(picture.data);
      return picture;
    }
    const known = format === "NV12" || format === "RGBA" || format === "RGBX" || format === "BGRA" || format === "BGRX";
    if (!known) return this.draw(frame, width, height);
    const bytes = this.#room(frame.allocationSize());
    await frame.copyTo(bytes);
    if (format === "NV12") {
      const { y, u, v } = picture;
      y.data.set(bytes.subarray(0, y.data.length));
      splitColours(bytes.subarray(y.data.length), u, v);
    } else fromRgb(bytes, picture, format.startsWith("B"));
    return picture;
  }

  /** By way of a canvas: for what has no samples of its own. */
  draw(source: CanvasImageSource, width: number, height: number): Picture {
    const picture = this.#sized(width, height);
    const context = this.#context(width, height);
    context.drawImage(source, 0, 0, width, height);
    fromRgb(context.getImageData(0, 0, width, height).data, picture);
    return picture;
  }

  /** A frame for the same moment as `like`. */
  frame(picture: Picture, like: VideoFrame): VideoFrame {
    const planar = like.format === "I420" || like.format === "NV12";
    return new VideoFrame(picture.data, {
      format: "I420",
      codedWidth: picture.y.width,
      codedHeight: picture.y.height,
      timestamp: like.timestamp,
      ...(like.duration !== null && { duration: like.duration }),
      colorSpace: planar
        ? like.colorSpace.toJSON()
        : { matrix: "smpte170m", primaries: "smpte170m", transfer: "smpte170m", fullRange: false },
      ...turned(like),
    });
  }

  bitmap(picture: Picture): ImageBitmap {
    const { width, height } = picture.y;
    const context = this.#context(width, height);
    const pixels = context.createImageData(width, height);
    toRgb(picture, pixels.data);
    context.putImageData(pixels, 0, 0);
    return context.canvas.transferToImageBitmap();
  }

  #sized(width: number, height: number): Picture {
    if (this.#picture.y.width !== width || this.#picture.y.height !== height) this.#picture = newPicture(width, height);
    return this.#picture;
  }

  #room(length: number): Uint8Array<ArrayBuffer> {
    if (this.#bytes.length < length) this.#bytes = new Uint8Array(length);
    return this.#bytes;
  }

  #context(width: number, height: number): OffscreenCanvasRenderingContext2D {
    this.#canvas ??= new OffscreenCanvas(width, height);
    if (this.#canvas.width !== width || this.#canvas.height !== height) Object.assign(this.#canvas, { width, height });
    const context = this.#canvas.getContext("2d", { willReadFrequently: true });
    if (!context) throw new Error("no canvas");
    return context;
  }
}

/** A phone's camera may lie on its side, and say so (WebCodecs, not yet in TypeScript's library). */
function turned(like: VideoFrame): object {
  const { rotation = 0, flip = false } = like as VideoFrame & { rotation?: number; flip?: boolean };
  return rotation || flip ? { rotation, flip } : {};
}
