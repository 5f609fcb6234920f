import { sha256 } from "@noble/hashes/sha2.js";
import { LimitFileAhead } from "../../protocol/sealed.gen.ts";
import { concat, toHex } from "../e2ee/encode.ts";
import type { Sink } from "./sink.ts";

/** Written, and confirmed to the sender, at once. */
const WRITE_BYTES = 512 * 1024;

export type Outcome = { readonly blob: Blob } | "damaged" | "failed";

interface Ports {
  /** All bytes before `done` are stored. */
  stored(done: number): void;
  over(outcome: Outcome): void;
}

/** One file that comes in. Memory holds what the sender may be ahead, no more: bytes are confirmed once they are stored. */
export class Incoming {
  readonly size: number;
  readonly #sink: Sink;
  readonly #ports: Ports;
  readonly #hash = sha256.create();
  #parts: Uint8Array[] = [];
  #waiting = 0; // bytes in #parts
  #received = 0;
  #granted = 0; // confirmed to the sender
  #writing: Promise<void> = Promise.resolve();
  #want: string | null = null;
  #over = false;

  constructor(size: number, sink: Sink, ports: Ports) {
    this.size = size;
    this.#sink = sink;
    this.#ports = ports;
  }

  /** Where to go on after a break. */
  get received(): number {
    return this.#received;
  }

  /** The sender is told that all bytes before `off` are stored, and may be {@link LimitFileAhead} beyond. */
  grant(off: number): void {
    this.#granted = Math.max(this.#granted, off);
  }

  /** The next bytes. Anything but the next, and more than was offered, breaks the rules. */
  take(off: number, bytes: Uint8Array): void {
    if (this.#over) return;
    const end = off + bytes.length;
    if (off !== this.#received || end > this.size || end > this.#granted + LimitFileAhead) return this.#end("failed");
    this.#received += bytes.length;
    this.#hash.update(bytes);
    this.#parts.push(bytes);
    this.#waiting += bytes.length;
    if (this.#waiting >= WRITE_BYTES || this.#received === this.size) this.#write();
    this.#check();
  }

  /** What the whole is to be. */
  expect(digest: string): void {
    this.#want ??= digest;
    this.#check();
  }

  async discard(): Promise<void> {
    this.#over = true;
    await this.#sink.discard();
  }

  #write(): void {
    const bytes = concat(...this.#parts);
    const stored = this.#received;
    this.#parts = [];
    this.#waiting = 0;
    this.#writing = this.#writing
      .then(() => (this.#over ? undefined : this.#sink.write(bytes)))
      .then(() => (this.#over ? undefined : this.#ports.stored(stored)))
      .catch(() => this.#end("failed")); // no room left
  }

  #check(): void {
    if (this.#over || this.#want === null || this.#received !== this.size) return;
    if (toHex(this.#hash.digest()) !== this.#want) return this.#end("damaged");
    this.#want = null;
    void this.#finish();
  }

  async #finish(): Promise<void> {
    await this.#writing;
    if (this.#over) return;
    try {
      const blob = await this.#sink.finish();
      this.#over = true;
      this.#ports.over({ blob });
    } catch {
      this.#end("failed");
    }
  }

  #end(outcome: "damaged" | "failed"): void {
    if (this.#over) return;
    void this.discard();
    this.#ports.over(outcome);
  }
}
