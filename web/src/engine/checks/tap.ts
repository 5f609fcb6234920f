import { listenTo, type Listening } from "../sound/source.ts";
// oxlint-disable-next-line import/default -- the bundler makes it
import worklet from "./tap.worklet.ts?worker&url";

/** What was heard, and when: the first sample in samples since the context began. */
export interface TapBlock {
  readonly frame: number;
  readonly samples: Float32Array<ArrayBuffer>;
}

/**
 * Hears a microphone sample by sample, without a gap however busy the page is. It takes a clone of the track, because a
 * muted one is silent for everybody. Nothing it hears leaves the page.
 */
export class Tap {
  readonly context: AudioContext;
  readonly #listening: Listening;
  readonly #track: MediaStreamTrack; // our clone
  readonly #node: AudioWorkletNode;

  /** Rejects where the browser cannot do it. */
  static async open(track: MediaStreamTrack, hear: (block: TapBlock) => void): Promise<Tap> {
    const clone = track.clone();
    clone.enabled = true;
    let listening: Listening | null = null;
    try {
      listening = listenTo(clone);
      await listening.context.audioWorklet.addModule(worklet);
      await listening.context.resume();
      return new Tap(listening, clone, hear);
    } catch (error) {
      clone.stop();
      void listening?.context.close();
      throw error;
    }
  }

  private constructor(listening: Listening, track: MediaStreamTrack, hear: (block: TapBlock) => void) {
    this.#listening = listening;
    this.context = listening.context;
    this.#track = track;
    const mono: AudioWorkletNodeOptions = { channelCount: 1, channelCountMode: "explicit", numberOfOutputs: 0 };
    this.#node = new AudioWorkletNode(this.context, "visavis-tap", mono);
    this.#node.port.addEventListener("message", (event) => hear((event as MessageEvent<TapBlock>).data));
    this.#node.port.start();
    listening.source.connect(this.#node);
  }

  close(): void {
    if (this.context.state === "closed") return;
    this.#node.port.close();
    this.#listening.source.disconnect();
    this.#track.stop();
    void this.context.close();
  }
}
