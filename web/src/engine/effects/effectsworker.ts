import type { ImageSegmenter } from "@mediapipe/tasks-vision";
import { Behind } from "./behind.ts";
import { Budget } from "./budget.ts";
import { noEffects, type EffectChoice } from "./choice.ts";
import { Frames } from "./frames.ts";
import { SEEN } from "./mask.ts";
import type { EffectAnswer, EffectRequest } from "./messages.ts";
import { Pipeline, type Find } from "./pipeline.ts";

/** Thirty a second, where the worker asks for pictures itself. */
const PULSE_MS = 33;
/** So many in a row that could not be worked on: it will not get better. */
const HOPELESS = 10;

/** The part of the worker that changes this person's picture: one frame at a time, the newest; what comes meanwhile is let go. */
export class EffectsWorker {
  readonly #post: (answer: EffectAnswer, transfer: Transferable[]) => void;
  readonly #load: () => Promise<ImageSegmenter>;
  readonly #pipeline = new Pipeline();
  readonly #frames = new Frames();
  readonly #behind = new Behind();
  #budget = new Budget();
  #choice: EffectChoice = noEffects;
  #find: Find | null = null;
  #loading = false;
  #broken = 0; // frames in a row
  #sink: WritableStreamDefaultWriter<VideoFrame> | null = null;
  #source: ReadableStreamDefaultReader<VideoFrame> | null = null;
  #pulse: ReturnType<typeof setInterval> | null = null;
  #asked = false; // for a picture

  constructor(load: () => Promise<ImageSegmenter>, post: (answer: EffectAnswer, transfer: Transferable[]) => void) {
    this.#load = load;
    this.#post = post;
  }

  async receive(request: EffectRequest): Promise<void> {
    switch (request.t) {
      case "effects":
        return this.#choose(request.choice);
      case "sink":
        this.#sink = request.frames.getWriter();
        return;
      case "source":
        void this.#source?.cancel().catch(() => undefined);
        this.#source = request.frames?.getReader() ?? null;
        this.#pipeline.forget();
        if (this.#source) await this.#run(this.#source);
        return;
      case "pulse":
        return this.#beat(request.on);
      case "picture":
        this.#asked = false;
        if (request.picture) this.#answer(request.picture);
    }
  }

  async #choose(choice: EffectChoice): Promise<void> {
    try {
      await this.#behind.choose(choice.backdrop);
    } catch {
      return this.#post({ t: "state", state: "failed" }, []); // not a picture
    }
    this.#choice = choice;
    if (choice.backdrop.kind !== "none" && !this.#find) return this.#prepare();
    this.#tell();
  }

  async #prepare(): Promise<void> {
    this.#post({ t: "state", state: "loading" }, []);
    if (this.#loading) return;
    this.#loading = true;
    try {
      this.#find = finder(await this.#load());
      this.#tell();
    } catch {
      this.#post({ t: "state", state: "failed" }, []);
    } finally {
      this.#loading = false;
    }
  }

  #tell(): void {
    const { off, step } = this.#budget;
    this.#post({ t: "state", state: off ? "slow" : step > 0 ? "reduced" : "on" }, []);
  }

  async #run(source: ReadableStreamDefaultReader<VideoFrame>): Promise<void> {
    for (;;) {
      const { done, value: frame } = await source.read().catch(() => ({ done: true, value: undefined }));
      if (done || !frame) return;
      try {
        if (source !== this.#source) return;
        const start = performance.now();
        const picture = this.#work(await this.#frames.read(frame));
        const changed = this.#frames.frame(picture, frame);
        this.#count(performance.now() - start);
        await this.#sink?.write(changed);
        this.#broken = 0;
      } catch {
        if (++this.#broken === HOPELESS) this.#post({ t: "state", state: "failed" }, []);
      } finally {
        frame.close();
      }
    }
  }

  #beat(on: boolean): void {
    if (this.#pulse) clearInterval(this.#pulse);
    this.#pulse = null;
    this.#asked = false;
    this.#pipeline.forget();
    if (!on) return;
    this.#pulse = setInterval(() => {
      if (this.#asked) return;
      this.#asked = true;
      this.#post({ t: "time" }, []);
    }, PULSE_MS);
  }

  #answer(picture: ImageBitmap): void {
    try {
      const start = performance.now();
      const drawn = this.#frames.bitmap(this.#work(this.#frames.draw(picture, picture.width, picture.height)));
      this.#count(performance.now() - start);
      this.#post({ t: "drawn", picture: drawn }, [drawn]);
      this.#broken = 0;
    } catch {
      if (++this.#broken === HOPELESS) this.#post({ t: "state", state: "failed" }, []);
    } finally {
      picture.close();
    }
  }

  #work(picture: Parameters<Pipeline["run"]>[0]): ReturnType<Pipeline["run"]> {
    const { backdrop, light } = this.#choice;
    const background = backdrop.kind === "none" ? null : this.#behind;
    return this.#pipeline.run(picture, { background, light, effort: this.#budget.effort }, this.#find);
  }

  #count(ms: number): void {
    if (this.#choice.backdrop.kind !== "none" && !this.#find) return; // it is still loading, which takes its own time
    if (this.#budget.count(ms)) this.#tell();
  }
}

/** The network as a function. The library wants times that grow. */
function finder(segmenter: ImageSegmenter): Find {
  const seen = new ImageData(SEEN.width, SEEN.height);
  let at = 0;
  return (rgba) => {
    seen.data.set(rgba);
    let answer: Float32Array | null = null;
    segmenter.segmentForVideo(seen, (at += 33), ({ confidenceMasks }) => {
      answer = confidenceMasks?.[0]?.getAsFloat32Array() ?? null;
    });
    return answer && Float32Array.from(answer); // its own is gone by then
  };
}
