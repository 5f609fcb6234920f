/** The newest pictures of a camera, for whoever asks now and then. */
export interface CameraFrames {
  /** The next one, for whoever closes it; null if none has come within two seconds, or after close. */
  take(): Promise<ImageBitmap | null>;
  /** From one picture to the next by the camera's own dates, ms: the latest sixty. Empty where the browser does not tell. */
  readonly intervals: readonly number[];
  close(): void;
}

const PATIENCE_MS = 2_000;
const KEPT = 60;

// Breakout box (W3C mediacapture-transform) as Chromium has it on the page; TypeScript's library lacks it.
type Processor = new (init: { track: MediaStreamTrack; maxBufferSize: number }) => {
  readonly readable: ReadableStream<VideoFrame>;
};

export function framesOf(track: MediaStreamTrack): CameraFrames {
  const { MediaStreamTrackProcessor } = globalThis as { readonly MediaStreamTrackProcessor?: Processor };
  return MediaStreamTrackProcessor
    ? new StreamFrames(new MediaStreamTrackProcessor({ track, maxBufferSize: 1 }).readable)
    : new VideoFrames(track);
}

/** Reads every frame, so that none keeps a place in the camera's few, and hands one out when somebody waits. */
class StreamFrames implements CameraFrames {
  readonly intervals: number[] = [];
  readonly #reader: ReadableStreamDefaultReader<VideoFrame>;
  #waiting: ((picture: Promise<ImageBitmap | null> | null) => void) | null = null;
  #before: number | null = null; // of the last frame, us

  constructor(readable: ReadableStream<VideoFrame>) {
    this.#reader = readable.getReader();
    void this.#run();
  }

  take(): Promise<ImageBitmap | null> {
    this.#waiting?.(null);
    return new Promise((resolve) => {
      const timer = setTimeout(() => waiting(null), PATIENCE_MS);
      const waiting = (picture: Promise<ImageBitmap | null> | null) => {
        clearTimeout(timer);
        if (this.#waiting === waiting) this.#waiting = null;
        resolve(picture);
      };
      this.#waiting = waiting;
    });
  }

  close(): void {
    void this.#reader.cancel().catch(() => undefined);
    this.#waiting?.(null);
  }

  async #run(): Promise<void> {
    for (;;) {
      const { value: frame } = await this.#reader.read().catch(() => ({ value: undefined }));
      if (!frame) return;
      this.#date(frame.timestamp);
      const picture = this.#waiting && createImageBitmap(frame).catch(() => null);
      if (picture) this.#waiting?.(picture);
      await picture;
      frame.close();
    }
  }

  #date(timestamp: number): void {
    if (this.#before !== null) this.intervals.push((timestamp - this.#before) / 1000);
    if (this.intervals.length > KEPT) this.intervals.shift();
    this.#before = timestamp;
  }
}

/** Where there are no such streams (Firefox, Safari): a video that nobody sees, and stands in no page. */
class VideoFrames implements CameraFrames {
  readonly intervals: readonly number[] = [];
  readonly #video = document.createElement("video");

  constructor(track: MediaStreamTrack) {
    this.#video.muted = this.#video.playsInline = true;
    this.#video.srcObject = new MediaStream([track]);
    void this.#video.play().catch(() => undefined); // taken away again meanwhile
  }

  async take(): Promise<ImageBitmap | null> {
    const ready = this.#video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA && this.#video.videoWidth > 0;
    return ready ? createImageBitmap(this.#video).catch(() => null) : null;
  }

  close(): void {
    this.#video.srcObject = null;
  }
}
