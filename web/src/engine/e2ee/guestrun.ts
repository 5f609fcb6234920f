import { E2EEError } from "./errors.ts";
import { GuestHandshake, type HandshakeInput } from "./handshake.ts";
import { messageNumber } from "./messages.ts";
import type { Outbox } from "./outbox.ts";
import type { Session } from "./session.ts";

const ANSWER_MS = 10_000;

/** One handshake of a guest, from M1 to the session. */
export class GuestRun {
  readonly #handshake: GuestHandshake;
  readonly #outbox: Outbox;
  #confirmed = false;
  #deadline: number;

  /** Sends M1. */
  constructor(input: HandshakeInput, outbox: Outbox, now: number) {
    this.#handshake = new GuestHandshake(input);
    this.#outbox = outbox;
    this.#deadline = now + ANSWER_MS;
    outbox.send(0, this.#handshake.m1);
  }

  /** When the next message is due, ms since the epoch. */
  get deadline(): number {
    return this.#deadline;
  }

  /** M3 is on its way: the password has been put to the test. */
  get confirmed(): boolean {
    return this.#confirmed;
  }

  /** The host continues the session that we named. */
  get resumed(): boolean {
    return this.#handshake.resumed;
  }

  /** Takes M2 or M4, whichever is due; the session after M4. */
  receive(message: Uint8Array, now: number): Session | null {
    const number = messageNumber(message);
    if (number === 4 && this.#confirmed) return this.#handshake.receiveM4(message);
    if (number !== 2 || this.#confirmed) throw new E2EEError("E_PARSE", "not the message that is due");
    const m3 = this.#handshake.receiveM2(message);
    this.#confirmed = true;
    this.#deadline = now + ANSWER_MS;
    this.#outbox.send(0, m3);
    return null;
  }
}
