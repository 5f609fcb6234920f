import { Emitter } from "../emitter.ts";
import { Scope } from "../scope.ts";
// oxlint-disable-next-line import/default -- the bundler makes it
import worklet from "./denoise.worklet.ts?worker&url";
// oxlint-disable-next-line import/default -- the bundler makes it
import wasm from "./rnnoise.wasm?url";
import { listenTo } from "./source.ts";
import type { Cleaned, Cleaner } from "./voice.ts";

/** RNNoise for the microphones of a page: it is loaded once, from our own server. */
export class NoiseFilter implements Cleaner {
  #module: Promise<WebAssembly.Module> | null = null;

  /** Rejects where the browser cannot do it, or the file did not come. */
  async clean(raw: MediaStreamTrack): Promise<Cleaned> {
    const module = await this.load();
    const { context, source } = listenTo(raw);
    try {
      await context.audioWorklet.addModule(worklet);
      return new CleanedTrack(context, source, module);
    } catch (error) {
      void context.close();
      throw error;
    }
  }

  /** So that it is there when it is wanted. */
  load(): Promise<WebAssembly.Module> {
    this.#module ??= WebAssembly.compileStreaming(fetch(wasm)).catch((error: unknown) => {
      this.#module = null; // the next time the network may be there
      throw error;
    });
    return this.#module;
  }
}

/** One microphone through one filter. */
class CleanedTrack extends Emitter<{ change: undefined }> implements Cleaned {
  readonly track: MediaStreamTrack;
  readonly #context: AudioContext;
  readonly #scope = new Scope();
  #broken = false;

  constructor(context: AudioContext, source: AudioNode, module: WebAssembly.Module) {
    super();
    this.#context = context;
    const mono: AudioWorkletNodeOptions = {
      channelCount: 1,
      channelCountMode: "explicit",
      outputChannelCount: [1],
      processorOptions: { module },
    };
    const node = new AudioWorkletNode(context, "visavis-denoise", mono);
    const destination = new MediaStreamAudioDestinationNode(context, { channelCount: 1 });
    source.connect(node).connect(destination);
    const [track] = destination.stream.getAudioTracks();
    if (!track) throw new DOMException("no track", "InvalidStateError");
    this.track = track;
    this.#scope.listen(context, "statechange", () => this.emit("change", undefined));
    this.#scope.listen(node, "processorerror", () => {
      this.#broken = true;
      this.emit("change", undefined);
    });
    this.#scope.add(() => {
      node.port.postMessage("end", []);
      source.disconnect();
      track.stop();
      void context.close();
    });
    void context.resume().catch(() => undefined); // closed meanwhile
  }

  get running(): boolean {
    return this.#context.state === "running" && !this.#broken;
  }

  get broken(): boolean {
    return this.#broken;
  }

  wake(): void {
    if (this.#context.state === "suspended") void this.#context.resume();
  }

  close(): void {
    this.#scope.close();
  }
}
