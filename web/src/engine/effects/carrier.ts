import type { EffectAnswer, EffectRequest } from "./messages.ts";

export type Say = (request: EffectRequest, transfer: Transferable[]) => void;

/** Carries pictures of a camera to the worker, and what it makes of them into a track. */
export interface Carrier {
  readonly track: MediaStreamTrack;
  /** Null: none for now. */
  from(camera: MediaStreamTrack | null): void;
  hear(answer: EffectAnswer): void;
  close(): void;
}

// Breakout box (W3C mediacapture-transform) as Chromium has it on the page; TypeScript's library lacks it.
interface Breakout {
  readonly MediaStreamTrackProcessor?: new (init: { track: MediaStreamTrack }) => {
    readonly readable: ReadableStream<VideoFrame>;
  };
  readonly MediaStreamTrackGenerator?: new (init: { kind: "video" }) => MediaStreamTrack & {
    readonly writable: WritableStream<VideoFrame>;
  };
}

export function newCarrier(say: Say): Carrier {
  const { MediaStreamTrackProcessor: Processor, MediaStreamTrackGenerator: Generator } = globalThis as Breakout;
  return Processor && Generator ? streams(say, Processor, Generator) : new CanvasCarrier(say);
}

/** Frames go past this page's thread altogether, and go on when the page is in the background. */
function streams(
  say: Say,
  Processor: NonNullable<Breakout["MediaStreamTrackProcessor"]>,
  Generator: NonNullable<Breakout["MediaStreamTrackGenerator"]>,
): Carrier {
  const track = new Generator({ kind: "video" });
  const { writable } = track;
  say({ t: "sink", frames: writable }, [writable]);
  return {
    track,
    from(camera) {
      const readable = camera && new Processor({ track: camera }).readable;
      say({ t: "source", frames: readable }, readable ? [readable] : []);
    },
    hear() {},
    close: () => track.stop(),
  };
}

/**
 * Where there are no such streams (Firefox, Safari): a video that nobody sees gives pictures, a canvas that nobody sees takes
 * them. The worker says when it is time for one: timers of a page in the background are slowed down, those of workers not.
 */
class CanvasCarrier implements Carrier {
  readonly track: MediaStreamTrack;
  readonly #say: Say;
  readonly #canvas = document.createElement("canvas");
  readonly #context: CanvasRenderingContext2D | null;
  readonly #video = document.createElement("video");

  constructor(say: Say) {
    this.#say = say;
    this.#context = this.#canvas.getContext("2d", { alpha: false });
    const [track] = this.#canvas.captureStream().getVideoTracks();
    if (!track) throw new Error("a canvas without a track");
    this.track = track;
    this.#video.muted = this.#video.playsInline = true;
  }

  from(camera: MediaStreamTrack | null): void {
    this.#video.srcObject = camera && new MediaStream([camera]);
    if (camera) void this.#video.play().catch(() => undefined); // taken away again meanwhile
    this.#say({ t: "pulse", on: camera !== null }, []);
  }

  hear(answer: EffectAnswer): void {
    if (answer.t === "time") void this.#give();
    else if (answer.t === "drawn") this.#draw(answer.picture);
  }

  close(): void {
    this.#video.srcObject = null;
    this.track.stop();
  }

  async #give(): Promise<void> {
    const ready = this.#video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA && this.#video.videoWidth > 0;
    const picture = ready ? await createImageBitmap(this.#video).catch(() => null) : null;
    this.#say({ t: "picture", picture }, picture ? [picture] : []);
  }

  #draw(picture: ImageBitmap): void {
    const { width, height } = picture;
    if (this.#canvas.width !== width || this.#canvas.height !== height) Object.assign(this.#canvas, { width, height });
    this.#context?.drawImage(picture, 0, 0);
    picture.close();
  }
}
