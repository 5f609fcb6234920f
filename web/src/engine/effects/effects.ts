import { Emitter } from "../emitter.ts";
import type { Notice } from "../types.ts";
import { newCarrier, type Carrier, type Say } from "./carrier.ts";
import { isPlain, noEffects, type EffectChoice, type EffectState } from "./choice.ts";
import type { EffectAnswer, EffectRequest } from "./messages.ts";

/** What is used of a Worker. */
export interface EffectPort extends EventTarget {
  postMessage(request: EffectRequest, options: { transfer: Transferable[] }): void;
  terminate(): void;
}

interface EffectEvents {
  /** State, choice, or what {@link Effects.through} gives. */
  change: undefined;
  notice: Notice;
}

/** What is at work while something is chosen: a worker, and the track it fills. */
interface Work {
  readonly worker: EffectPort;
  readonly carrier: Carrier;
}

/**
 * Stands between the camera and whoever takes its picture. Nothing is loaded before something is chosen. While it works it
 * hands out one track, whatever becomes of the camera behind it; until the person is found that shows only the backdrop.
 */
export class Effects extends Emitter<EffectEvents> {
  readonly #start: () => EffectPort;
  readonly #carry: (say: Say) => Carrier;
  #choice: EffectChoice = noEffects;
  #state: EffectState = "off";
  #work: Work | null = null;
  #camera: MediaStreamTrack | null = null;
  #asked: MediaTrackConstraints | null = null; // of the track, for the next camera, too
  #told = false; // that less is done

  constructor(start: () => EffectPort, carry: (say: Say) => Carrier = newCarrier) {
    super();
    this.#start = start;
    this.#carry = carry;
  }

  get choice(): EffectChoice {
    return this.#choice;
  }

  get state(): EffectState {
    return this.#state;
  }

  /** From now on. Choosing again after {@link state} was `slow` or `failed` tries again. */
  choose(choice: EffectChoice): void {
    this.#choice = choice;
    if (isPlain(choice)) this.#stop("off");
    else if (this.#work) this.#say(this.#work.worker, { t: "effects", choice }, []);
    else this.#begin(choice);
    this.emit("change", undefined);
  }

  /** The track to hand out for this camera: the same one as long as effects are at work. */
  through(camera: MediaStreamTrack | null): MediaStreamTrack | null {
    if (camera !== this.#camera) {
      this.#camera = camera;
      this.#work?.carrier.from(camera);
      if (this.#work && this.#asked) void this.#ask(this.#asked).catch(() => undefined); // it goes on as it is
    }
    return camera && (this.#work?.carrier.track ?? camera);
  }

  close(): void {
    this.#camera = null;
    this.#stop("off");
    this.clear();
  }

  #begin(choice: EffectChoice): void {
    const worker = this.#start();
    worker.addEventListener("message", (e) => this.#hear(worker, (e as MessageEvent<EffectAnswer>).data));
    worker.addEventListener("error", () => worker === this.#work?.worker && this.#give("failed"));
    const carrier = this.#carry((request, transfer) => this.#say(worker, request, transfer));
    this.#work = { worker, carrier };
    this.#state = "loading";
    this.#told = false;
    this.#asked = null;
    this.#standFor(carrier.track);
    this.#say(worker, { t: "effects", choice }, []);
    if (this.#camera) carrier.from(this.#camera);
  }

  #say(worker: EffectPort, request: EffectRequest, transfer: Transferable[]): void {
    worker.postMessage(request, { transfer });
  }

  #hear(worker: EffectPort, answer: EffectAnswer): void {
    if (worker !== this.#work?.worker) return;
    if (answer.t !== "state") return this.#work.carrier.hear(answer);
    const { state } = answer;
    if (state === "slow" || state === "failed") return this.#give(state);
    if (state === this.#state) return;
    this.#state = state;
    if (state === "reduced" && !this.#told) {
      this.#told = true;
      this.emit("notice", { kind: "effects-reduced" });
    }
    this.emit("change", undefined);
  }

  /** Up: the camera's own picture from here on. */
  #give(state: "slow" | "failed"): void {
    this.#stop(state);
    this.emit("change", undefined);
    this.emit("notice", { kind: state === "slow" ? "effects-slow" : "effects-failed" });
  }

  #stop(state: EffectState): void {
    this.#state = state;
    const work = this.#work;
    this.#work = null;
    work?.worker.terminate();
    work?.carrier.close();
  }

  /** Whoever looks after what is sent asks the track for its size, and for another: the camera behind it is meant. */
  #standFor(track: MediaStreamTrack): void {
    track.contentHint = "motion";
    const own = track.getSettings.bind(track);
    Object.defineProperties(track, {
      applyConstraints: { value: (wanted: MediaTrackConstraints = {}) => this.#ask((this.#asked = wanted)) },
      getSettings: { value: () => ({ ...this.#camera?.getSettings(), ...own() }) },
    });
  }

  async #ask(wanted: MediaTrackConstraints): Promise<void> {
    await this.#camera?.applyConstraints(wanted);
  }
}
