import type { Scope } from "./scope.ts";

/** More than a proof, a state and a few lines of chat that wait is a flood. */
const LIMIT = 64;

/**
 * What comes by a channel before its reader is there: a channel drops what nobody listens to. After a rehearsal the
 * other side may say something by it before this one has heard, by the slower way, that it is admitted.
 */
export class Early {
  readonly #stop: () => void;
  #data: unknown[] = [];

  constructor(channel: RTCDataChannel, scope: Scope) {
    const keep = (event: Event) => void (this.#data.length < LIMIT && this.#data.push((event as MessageEvent).data));
    channel.addEventListener("message", keep);
    this.#stop = scope.add(() => channel.removeEventListener("message", keep));
  }

  /** For its reader, who listens from now on. */
  take(): readonly unknown[] {
    this.#stop();
    const data = this.#data;
    this.#data = [];
    return data;
  }
}
