import { sha256 } from "@noble/hashes/sha2.js";
import { LimitFileAhead, LimitFileChunk } from "../../protocol/sealed.gen.ts";
import { toHex } from "../e2ee/encode.ts";
import { encodeChunk } from "./chunk.ts";
import type { FileChannel } from "./channel.ts";

/** Read at once; what waits in memory is this and the channel's buffer. */
const READ_BYTES = 256 * 1024;

interface Ports {
  /** The bytes before `done` have left. */
  progress(done: number): void;
  ended(sha256: string): void;
  failed(): void;
}

/** One file on its way to the other party. It goes on where the receiver says, over whatever connection there is. */
export class Outgoing {
  readonly id: string;
  readonly file: Blob;
  readonly #ports: Ports;
  readonly #hash = sha256.create();
  #hashed = 0; // bytes of the file that are in the hash
  #confirmed = 0;
  #run = 0; // counts beginnings: an earlier one stops by itself
  #digest: string | null = null;
  #wake: () => void = () => undefined;

  constructor(id: string, file: Blob, ports: Ports) {
    this.id = id;
    this.file = file;
    this.#ports = ports;
  }

  /** All of it has left once. */
  get sent(): boolean {
    return this.#digest !== null;
  }

  /** Sends from `off` on. False if the receiver cannot have got that far. */
  begin(channel: FileChannel, off: number): boolean {
    if (off > this.#hashed) return false;
    this.#confirmed = off;
    void this.#send(channel, off, ++this.#run);
    return true;
  }

  /** The receiver has stored all bytes before `off`. */
  confirm(off: number): void {
    if (off <= this.#confirmed || off > this.#hashed) return;
    this.#confirmed = off;
    this.#ports.progress(off);
    this.#wake();
  }

  /** The connection is gone, or the file is over. */
  halt(): void {
    this.#run++;
    this.#wake();
  }

  async #send(channel: FileChannel, from: number, run: number): Promise<void> {
    const { size } = this.file;
    const stale = () => run !== this.#run || !channel.open;
    try {
      for (let at = from; at < size;) {
        const until = Math.min(at + READ_BYTES, size, this.#confirmed + LimitFileAhead);
        if (until === at) {
          await new Promise<void>((resolve) => (this.#wake = resolve));
          if (stale()) return;
          continue;
        }
        const bytes = new Uint8Array(await this.file.slice(at, until).arrayBuffer());
        if (bytes.length !== until - at) throw new Error("the file has changed");
        for (let i = 0; i < bytes.length; i += LimitFileChunk) {
          await channel.room();
          if (stale()) return;
          const chunk = bytes.subarray(i, i + LimitFileChunk);
          this.#count(at + i, chunk);
          channel.send(encodeChunk({ id: this.id, off: at + i, bytes: chunk }));
        }
        at = until;
      }
      if (stale()) return;
      this.#digest ??= toHex(this.#hash.digest());
      this.#ports.ended(this.#digest);
    } catch {
      // The file was moved, changed or is on a stick that was pulled out.
      if (run === this.#run) this.#ports.failed();
    }
  }

  /** What is sent again is hashed once. */
  #count(off: number, bytes: Uint8Array): void {
    const fresh = bytes.subarray(Math.max(0, this.#hashed - off));
    if (fresh.length === 0) return;
    this.#hash.update(fresh);
    this.#hashed += fresh.length;
  }
}
