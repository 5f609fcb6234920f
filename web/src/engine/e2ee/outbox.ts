import { type Control, encodeControl } from "./control.ts";
import type { LinkKeys } from "./derive.ts";
import type { Effect, SealedJSON } from "./effects.ts";
import { equal } from "./encode.ts";
import type { Code } from "./errors.ts";
import type { LinkRole } from "./link.ts";
import { OuterSealer } from "./outer.ts";
import { encodeMessage } from "./sealed.ts";
import type { Session } from "./session.ts";

/** What a machine wants done, in order, and the connection it sends on. */
export class Outbox {
  #effects: Effect[] = [];
  // Lives as long as our connection, for all slots: they share its key, so they share its counter.
  #sealer: OuterSealer | null = null;
  #last: OuterSealer | null = null;

  /** A server may name the same connection twice: its counter goes on, or two frames would have one nonce. */
  connect(keys: LinkKeys, role: LinkRole, cid: Uint8Array): void {
    const same = this.#last !== null && equal(this.#last.cid, cid);
    this.#sealer = this.#last = same ? this.#last : new OuterSealer(keys, role, cid);
  }

  disconnect(): void {
    this.#sealer = null;
  }

  get connected(): boolean {
    return this.#sealer !== null;
  }

  emit(effect: Effect): void {
    this.#effects.push(effect);
  }

  /** Sends a handshake message. Nothing leaves without a connection. */
  send(slot: number, inner: Uint8Array): void {
    if (this.#sealer !== null) this.emit({ kind: "send-frame", slot, frame: this.#sealer.seal(inner) });
  }

  /** Tells the peer why something ends. */
  note(slot: number, t: Control["t"], code: Code): void {
    this.send(slot, encodeControl(t, code));
  }

  /** E_SIZE. */
  message(slot: number, session: Session, json: SealedJSON): void {
    this.send(slot, session.sealSignaling(encodeMessage(json)));
  }

  drain(): Effect[] {
    const out = this.#effects;
    this.#effects = [];
    return out;
  }
}
