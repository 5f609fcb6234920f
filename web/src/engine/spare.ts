import type { ServerMessage } from "../protocol/decode.ts";
import { Signaling } from "./signaling.ts";

/**
 * A second connection to the server, opened while nobody knows yet whether the first is dead. It says nothing: who is
 * greeted and does not join is nobody. Either it is taken for the first, or closed.
 */
export class Spare {
  readonly #socket = new Signaling();
  readonly #unhear: readonly (() => void)[];
  #welcome: ServerMessage | null = null;

  /** `greeted`: the server has answered, and waits for what we want. */
  constructor(greeted: () => void) {
    this.#unhear = [
      this.#socket.on("message", (m) => {
        if (m.type !== "welcome" || this.#welcome) return;
        this.#welcome = m;
        greeted();
      }),
      this.#socket.on("closed", () => (this.#welcome = null)),
    ];
  }

  /** Hands the connection over, with its greeting; null as long as that has not come, and if it is closed again. */
  take(): { socket: Signaling; welcome: ServerMessage } | null {
    if (!this.#welcome) return null;
    for (const unhear of this.#unhear) unhear();
    return { socket: this.#socket, welcome: this.#welcome };
  }

  get greeted(): boolean {
    return this.#welcome !== null;
  }

  close(): void {
    for (const unhear of this.#unhear) unhear();
    this.#socket.close();
  }
}
