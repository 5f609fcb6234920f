/** Sealed frames of the data channel `files`: keys and counters of their own, so that a file never holds up a word. */
import { gcm } from "@noble/ciphers/aes.js";
import { concat, readU16, readU64, u16, u64 } from "./encode.ts";
import { E2EEError } from "./errors.ts";
import { FRAME_DATA, nonce } from "./frames.ts";
import { label } from "./kdf.ts";

const HEADER_BYTES = 11;
const TAG_BYTES = 16;

export interface FileKeys {
  readonly epoch: number;
  readonly out: { readonly key: Uint8Array; readonly name: string };
  readonly back: { readonly key: Uint8Array; readonly name: string };
}

/**
 * Both directions of one session. What a lost connection had on its way is gone while the counter goes on, so the
 * opener takes any counter above the last; files notice a gap by their offsets.
 */
export class FileFrames {
  readonly #keys: FileKeys;
  #sent = 0;
  #next = 0;

  constructor(keys: FileKeys) {
    this.#keys = keys;
  }

  seal(plain: Uint8Array): Uint8Array {
    const { out, epoch } = this.#keys;
    const counter = this.#sent++;
    const header = concat(Uint8Array.of(FRAME_DATA), u16(epoch), u64(counter));
    return concat(header, gcm(out.key, nonce(counter), concat(label(out.name), header)).encrypt(plain));
  }

  /** E_SEQ for a frame that is not of this session, is repeated, or does not open. */
  open(frame: Uint8Array): Uint8Array {
    const { back, epoch } = this.#keys;
    if (frame.length < HEADER_BYTES + TAG_BYTES || frame[0] !== FRAME_DATA || readU16(frame, 1) !== epoch)
      throw new E2EEError("E_SEQ", "not a frame of a file");
    const counter = readU64(frame, 3);
    if (counter < this.#next) throw new E2EEError("E_SEQ", "frame of a file comes again");
    const header = frame.subarray(0, HEADER_BYTES);
    let plain: Uint8Array;
    try {
      plain = gcm(back.key, nonce(counter), concat(label(back.name), header)).decrypt(frame.subarray(HEADER_BYTES));
    } catch {
      throw new E2EEError("E_SEQ", "frame of a file does not open");
    }
    this.#next = counter + 1;
    return plain;
  }
}
