import { sha256 } from "@noble/hashes/sha2.js";
import type { DataKeys } from "./datakeys.ts";
import { fromHex, toHex } from "./e2ee/encode.ts";
import { codeOf, E2EEError, type Code } from "./e2ee/errors.ts";
import type { SealedJSON } from "./e2ee/effects.ts";
import { Emitter } from "./emitter.ts";
import type { Negotiation } from "./negotiation.ts";
import { Scope } from "./scope.ts";
import { isArrayBuffer } from "./realm.ts";

/** Nothing is shown before. On a line that loses every fifth packet SCTP alone may take half a minute. */
const BIND_TIMEOUT_MS = 40_000;
/** What may wait in the channel while the path is down; more is refused. */
const BUFFER_BYTES = 1 << 20;

interface CtlEvents {
  /** The media connection belongs to the handshake. `certificateChecked`: by the live certificate, too. */
  bound: { certificateChecked: boolean };
  message: unknown;
  closed: undefined;
  violated: Code;
}

/**
 * The data channel `ctl`. Its first message each way is a MAC over both
 * certificate fingerprints under a key of the handshake, which ties the media
 * connection to the people who agreed on the verification words; after that it
 * carries sealed messages. The proof is not repeated when the keys change: the
 * next handshake has a secret of this one mixed in.
 */
export class Ctl extends Emitter<CtlEvents> {
  readonly #channel: RTCDataChannel;
  readonly #negotiation: Negotiation;
  readonly #keys: DataKeys;
  readonly #scope = new Scope();
  #bound = false;
  #fresh = true; // nothing sealed has come over this channel

  constructor(channel: RTCDataChannel, negotiation: Negotiation, keys: DataKeys) {
    super();
    this.#channel = channel;
    this.#negotiation = negotiation;
    this.#keys = keys;
    this.#scope.listen(channel, "message", (e) => this.#guard(() => this.#receive((e as MessageEvent).data)));
    this.#scope.listen(channel, "close", () => this.emit("closed", undefined));
    if (channel.readyState === "open") this.#opened();
    else this.#scope.listen(channel, "open", () => this.#opened());
  }

  get open(): boolean {
    return this.#bound && this.#channel.readyState === "open";
  }

  /** Nothing waits to be sent. */
  get idle(): boolean {
    return this.open && this.#channel.bufferedAmount === 0;
  }

  /** Seals and sends one message. False if the channel is not bound, not open, or full. */
  send(json: SealedJSON): boolean {
    if (!this.open || this.#channel.bufferedAmount > BUFFER_BYTES) return false;
    try {
      this.#channel.send(plain(this.#keys.seal(json)));
      return true;
    } catch (error) {
      if (codeOf(error) !== "E_STATE") throw error; // the session is over: nobody would understand it
      return false;
    }
  }

  /** What came before this reader was there. */
  catchUp(data: readonly unknown[]): void {
    for (const message of data) this.#guard(() => this.#receive(message));
  }

  close(): void {
    this.#scope.close();
  }

  #opened(): void {
    this.#guard(() => {
      const [fpGuest, fpHost] = this.#fingerprints();
      this.#channel.send(plain(this.#keys.bind(this.#keys.role, fpGuest, fpHost)));
    });
    this.#scope.timeout(() => {
      if (!this.#bound) this.emit("violated", "E_BIND");
    }, BIND_TIMEOUT_MS);
  }

  /** Of the guest and of the host. */
  #fingerprints(): [Uint8Array, Uint8Array] {
    const { ownFp, remoteFp } = this.#negotiation;
    if (!ownFp || !remoteFp) throw new E2EEError("E_BIND", "open before it was negotiated");
    const own = fromHex(ownFp);
    const remote = fromHex(remoteFp);
    return this.#keys.role === "guest" ? [own, remote] : [remote, own];
  }

  #receive(data: unknown): void {
    if (!isArrayBuffer(data)) throw new E2EEError("E_BIND", "text on ctl");
    const bytes = new Uint8Array(data);
    if (this.#bound) {
      if (this.#fresh) this.#keys.skip();
      this.#fresh = false;
      const json = this.#keys.open(bytes);
      if (json) this.emit("message", json);
      return;
    }
    this.#keys.checkBind(bytes, ...this.#fingerprints());
    const certificateChecked = this.#checkCertificate();
    this.#bound = true;
    this.emit("bound", { certificateChecked });
  }

  /** Compares the certificate in use with the announced one; false where the browser does not show it. */
  #checkCertificate(): boolean {
    const transport = this.#negotiation.pc.sctp?.transport;
    const [certificate] = transport?.getRemoteCertificates?.() ?? [];
    if (!certificate) return false;
    if (toHex(sha256(new Uint8Array(certificate))) !== this.#negotiation.remoteFp) throw new E2EEError("E_DTLS_FP");
    return true;
  }

  #guard(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.emit("violated", codeOf(error));
    }
  }
}

/** The same bytes as DOM methods want them: not a view of shared memory. */
function plain(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}
