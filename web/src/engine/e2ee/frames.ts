/** Sealed frames: type (1) || epoch (2) || counter (8) || AES-256-GCM. One key per direction and use. */
import { gcm } from "@noble/ciphers/aes.js";
import { concat, readU16, readU64, u16, u64 } from "./encode.ts";
import { E2EEError } from "./errors.ts";
import { label } from "./kdf.ts";

/** Over the WebSocket, inside an outer frame. */
export const FRAME_SIGNALING = 0x10;
/** Over the data channel. */
export const FRAME_DATA = 0x11;

const HEADER_BYTES = 11;
const TAG_BYTES = 16;

/** The 12-byte nonce of a counter. A counter is used once per key, so the nonce is, too. */
export function nonce(counter: number): Uint8Array {
  return concat(new Uint8Array(4), u64(counter));
}

export interface FrameKey {
  readonly key: Uint8Array;
  /** "seal g2h", "dc h2g"…: key and additional data carry the direction. */
  readonly name: string;
  readonly type: number;
  readonly epoch: number;
}

export class FrameSealer {
  readonly #key: FrameKey;
  #counter = 0;

  get count(): number {
    return this.#counter;
  }

  constructor(key: FrameKey) {
    this.#key = key;
  }

  seal(plain: Uint8Array): Uint8Array {
    const counter = this.#counter++;
    const header = concat(Uint8Array.of(this.#key.type), u16(this.#key.epoch), u64(counter));
    return concat(header, gcm(this.#key.key, nonce(counter), concat(label(this.#key.name), header)).encrypt(plain));
  }
}

/** Opens frames in exactly the order they were sealed; anything else is E_SEQ, and fatal. */
export class FrameOpener {
  readonly #key: FrameKey;
  #next = 0;
  #skip = false;

  constructor(key: FrameKey) {
    this.#key = key;
  }

  get count(): number {
    return this.#next;
  }

  /** The next frame, and only that, may be later than the one that is due: those between were lost with a channel. */
  skip(): void {
    this.#skip = true;
  }

  open(frame: Uint8Array): Uint8Array {
    if (frame.length < HEADER_BYTES + TAG_BYTES || frame[0] !== this.#key.type)
      throw new E2EEError("E_SEQ", "not a sealed frame");
    const counter = readU64(frame, 3);
    const due = this.#skip ? counter >= this.#next : counter === this.#next;
    if (readU16(frame, 1) !== this.#key.epoch || !due) throw new E2EEError("E_SEQ");
    const header = frame.subarray(0, HEADER_BYTES);
    let plain: Uint8Array;
    try {
      plain = gcm(this.#key.key, nonce(counter), concat(label(this.#key.name), header)).decrypt(
        frame.subarray(HEADER_BYTES),
      );
    } catch {
      throw new E2EEError("E_SEQ", "sealed frame does not open");
    }
    this.#next = counter + 1;
    this.#skip = false;
    return plain;
  }
}
