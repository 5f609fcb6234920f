import { codeOf, type Code } from "../e2ee/errors.ts";
import type { DataKeys } from "../datakeys.ts";
import { Emitter } from "../emitter.ts";
import { Scope } from "../scope.ts";
import { decodeChunk, type Chunk } from "./chunk.ts";
import { isArrayBuffer } from "../realm.ts";

/**
 * Above the first nothing more is put into the browser's buffer, below the second it goes on: bytes. On a line of
 * 150 kbit/s that is 7 s, less than old keys are kept (e2ee/keyring.ts).
 */
const BUFFER_HIGH = 128 * 1024;
const BUFFER_LOW = 32 * 1024;

interface ChannelEvents {
  chunk: Chunk;
  violated: Code;
}

/** The data channel `files` of one connection: beside `ctl`, so that no word waits for a file. Used once `ctl` is bound. */
export class FileChannel extends Emitter<ChannelEvents> {
  readonly #channel: RTCDataChannel;
  readonly #keys: DataKeys;
  readonly #scope = new Scope();

  constructor(pc: RTCPeerConnection, keys: DataKeys) {
    super();
    this.#keys = keys;
    this.#channel = pc.createDataChannel("files", { negotiated: true, id: 1, ordered: true });
    this.#channel.binaryType = "arraybuffer";
    this.#channel.bufferedAmountLowThreshold = BUFFER_LOW;
    this.#scope.listen(this.#channel, "message", (e) => this.#receive((e as MessageEvent).data));
  }

  get open(): boolean {
    return !this.#scope.closed && this.#channel.readyState === "open";
  }

  /** Resolves when the buffer has room, or when there is no channel any more. */
  async room(): Promise<void> {
    if (!this.open || this.#channel.bufferedAmount < BUFFER_HIGH) return;
    await new Promise<void>((resolve) => {
      const channel = this.#channel;
      const done = () => {
        channel.removeEventListener("bufferedamountlow", done);
        channel.removeEventListener("close", done);
        cancel();
      };
      const cancel = this.#scope.add(resolve);
      channel.addEventListener("bufferedamountlow", done);
      channel.addEventListener("close", done);
    });
  }

  send(plain: Uint8Array): void {
    if (this.open) this.#channel.send(this.#keys.sealFile(plain) as Uint8Array<ArrayBuffer>);
  }

  close(): void {
    this.#scope.close();
  }

  #receive(data: unknown): void {
    try {
      if (!isArrayBuffer(data)) return;
      const plain = this.#keys.openFile(new Uint8Array(data));
      if (plain) this.emit("chunk", decodeChunk(plain));
    } catch (error) {
      this.emit("violated", codeOf(error));
    }
  }
}
