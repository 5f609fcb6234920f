import type { FaceAnswer, FaceRequest, Sight } from "./messages.ts";

/** What is used of a Worker. */
export interface FaceWorkerPort extends EventTarget {
  postMessage(request: FaceRequest, options: { transfer: Transferable[] }): void;
  terminate(): void;
}

/**
 * Finds faces in pictures, in a worker of its own and from files of our own server. Loads with the first question: a
 * second or so, 4 MB once. Owns the worker until {@link close}.
 *
 *     const detector = new FaceDetector(() => startWorker("vision"));
 *     const sight = await detector.detect(await createImageBitmap(video));
 */
export class FaceDetector {
  readonly #start: () => FaceWorkerPort;
  #worker: FaceWorkerPort | null = null;
  #loaded: Promise<boolean> | null = null;
  #loading: ((loaded: boolean) => void) | null = null;
  #waiting: ((sight: Sight | null) => void) | null = null;
  #busy = false;
  #closed = false;

  constructor(start: () => FaceWorkerPort) {
    this.#start = start;
  }

  /** Loads ahead of the first question. False: it cannot be had here, or was closed meanwhile. */
  load(): Promise<boolean> {
    if (this.#closed) return Promise.resolve(false);
    this.#loaded ??= new Promise((resolve) => {
      this.#loading = resolve;
      const worker = (this.#worker = this.#start());
      worker.addEventListener("message", (e) => this.#receive((e as MessageEvent<FaceAnswer>).data));
      worker.addEventListener("error", () => worker === this.#worker && this.#fail()); // not loaded, or it has thrown
      worker.postMessage({ t: "faces" }, { transfer: [] });
    });
    return this.#loaded;
  }

  /**
   * Looks at a picture and closes it. Null while it looks at another (nothing queues: ask again with a newer picture),
   * after close, and where the detector cannot be had.
   */
  async detect(picture: ImageBitmap): Promise<Sight | null> {
    if (this.#busy || this.#closed) {
      picture.close();
      return null;
    }
    this.#busy = true;
    try {
      if (!(await this.load())) return null;
      return await new Promise<Sight | null>((resolve) => {
        this.#waiting = resolve;
        this.#worker?.postMessage({ t: "look", picture }, { transfer: [picture] });
      });
    } finally {
      picture.close();
      this.#busy = false;
    }
  }

  close(): void {
    this.#closed = true;
    this.#fail();
  }

  #receive(answer: FaceAnswer): void {
    if (answer.t === "ready") this.#loading?.(true);
    else if (answer.t === "failed") this.#fail();
    else {
      this.#waiting?.(answer.sight);
      this.#waiting = null;
    }
  }

  /** Whoever waits is answered; a later question begins anew, unless this was the end. */
  #fail(): void {
    this.#worker?.terminate();
    this.#worker = null;
    this.#loaded = null;
    this.#loading?.(false);
    this.#waiting?.(null);
    this.#loading = this.#waiting = null;
  }
}
