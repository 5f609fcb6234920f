import { isArrayBuffer } from "./realm.ts";
import type { Scope } from "./scope.ts";

/** More than a proof, a state and a few lines of chat that wait is a flood. */
const LIMIT = 64;
const LIMIT_BYTES = 1 << 20;

/**
 * What comes by a channel before its reader is there: a channel drops what nobody listens to. After a rehearsal the
 * other side may say something by it before this one has heard, by the slower way, that it is admitted.
 */
export class Early {
  readonly #stop: () => void;
  #data: unknown[] = [];
  #bytes = 0;

  constructor(channel: RTCDataChannel, scope: Scope) {
    const keep = (event: Event) => this.#keep((event as MessageEvent).data);
    channel.addEventListener("message", keep);
    this.#stop = scope.add(() => channel.removeEventListener("message", keep));
  }

  /** Whoever floods it is not admitted yet, and a browser takes messages of any size. */
  #keep(data: unknown): void {
    const bytes = isArrayBuffer(data) ? data.byteLength : String(data).length;
    if (this.#data.length >= LIMIT || this.#bytes + bytes > LIMIT_BYTES) return;
    this.#bytes += bytes;
    this.#data.push(data);
  }

  /** For its reader, who listens from now on. */
  take(): readonly unknown[] {
    this.#stop();
    const data = this.#data;
    this.#data = [];
    return data;
  }
}
