import type { EncodedFrame, FromWorker, StreamCounts, StreamOptions, ToWorker, Transformer } from "./messages.ts";
import { FrameOpener } from "./opener.ts";
import { FrameSealer } from "./sealer.ts";

/** Keys and first frames of a new epoch travel by different ways: so long a frame waits for its key. */
const KEYS_WAIT_MS = 500;

class Stream {
  readonly options: StreamOptions;
  readonly askKeyFrame: () => void;
  entered = 0;
  left = 0;
  good = 0;
  failures = 0;
  waiting = false;
  busy = false;
  /** Frames are missing: the decoder needs a whole picture before it can go on. */
  gap = false;

  constructor(options: StreamOptions, askKeyFrame: () => void) {
    this.options = options;
    this.askKeyFrame = askKeyFrame;
  }

  get counts(): StreamCounts {
    const { entered, left, good, failures, waiting, busy } = this;
    return { id: this.options.id, entered, left, good, failures, waiting, busy };
  }
}

/**
 * What runs in the worker: seals what leaves and opens what comes, frame by frame. Whatever cannot be sealed is not sent,
 * whatever cannot be opened is not played; there is no way around while there are keys.
 */
export class FrameWorker {
  readonly #post: (message: FromWorker) => void;
  readonly #streams = new Map<number, Stream>();
  #sealer: FrameSealer | null = null;
  #opener: FrameOpener | null = null;
  #off = false;
  #vp8: ReadonlySet<number> = new Set();
  #keyless: (() => void)[] = [];

  constructor(post: (message: FromWorker) => void) {
    this.#post = post;
  }

  receive(message: ToWorker): void {
    switch (message.t) {
      case "keys": {
        this.#off = false;
        const { role, epoch, media, sending } = message;
        this.#sealer ??= new FrameSealer(role);
        this.#opener ??= new FrameOpener(role === "host" ? "guest" : "host");
        if (sending) this.#sealer.setKeys(epoch, media);
        this.#opener.setKeys(epoch, media, Date.now());
        for (const go of this.#keyless.splice(0)) go();
        return;
      }
      case "off":
        this.#off = this.#sealer === null;
        return;
      case "vp8":
        this.#vp8 = new Set(message.payloads);
        return;
      case "count":
        this.#post({ t: "counts", n: message.n, streams: [...this.#streams.values()].map((s) => s.counts) });
    }
  }

  async attach(transformer: Transformer): Promise<void> {
    const { options, readable, writable } = transformer;
    const stream = new Stream(options, () => void transformer.sendKeyFrameRequest?.().catch(() => undefined));
    this.#streams.set(options.id, stream);
    const transform = async (frame: EncodedFrame, out: TransformStreamDefaultController<EncodedFrame>) => {
      stream.entered++;
      stream.busy = true;
      const passes = await this.#pass(stream, frame);
      stream.busy = false;
      if (!passes) return;
      stream.left++;
      out.enqueue(frame);
    };
    try {
      await readable.pipeThrough(new TransformStream({ transform })).pipeTo(writable);
    } catch {
      // The connection was closed, or the sender taken away.
    } finally {
      this.#streams.delete(options.id);
    }
  }

  /** Replaces the data of the frame; false if it has to be dropped. */
  async #pass(stream: Stream, frame: EncodedFrame): Promise<boolean> {
    if (this.#off || frame.data.byteLength === 0) return true;
    const data = await this.#code(stream, frame);
    if (!data) return false;
    frame.data = data.buffer as ArrayBuffer;
    return true;
  }

  async #code(stream: Stream, frame: EncodedFrame): Promise<Uint8Array | null> {
    const { direction, kind } = stream.options;
    const bytes = new Uint8Array(frame.data);
    const vp8 = (kind === 1 || kind === 2) && this.#isVp8(frame);
    if (direction === "receive") return this.#open(stream, vp8, bytes);
    const sealed = (await this.#sealer?.seal(kind, vp8, bytes)) ?? null;
    if (sealed) stream.good++;
    return sealed;
  }

  async #open(stream: Stream, vp8: boolean, bytes: Uint8Array): Promise<Uint8Array | null> {
    const { id, kind } = stream.options;
    const open = () => this.#opener?.open(kind, vp8, bytes, Date.now()) ?? Promise.resolve("no-key" as const);
    let result = await open();
    if (result === "no-key" && !stream.waiting) {
      await this.#keys();
      result = await open();
    }
    stream.waiting = result === "no-key";
    if (result instanceof Uint8Array) {
      stream.failures = 0;
      if (stream.good++ === 0) this.#post({ t: "verified", id });
      if (stream.gap) stream.askKeyFrame();
      stream.gap = false;
      return result;
    }
    if (result !== "repeat") stream.gap = true;
    if (result === "invalid" || result === "old") stream.failures++;
    return null;
  }

  /** Resolves when keys come, or after a while. */
  #keys(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, KEYS_WAIT_MS);
      this.#keyless.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #isVp8(frame: EncodedFrame): boolean {
    const { mimeType, payloadType } = frame.getMetadata();
    return mimeType ? mimeType.toLowerCase() === "video/vp8" : this.#vp8.has(payloadType ?? -1);
  }
}
