import { concat, equal } from "../e2ee/encode.ts";
import type { LinkRole } from "../e2ee/link.ts";
import { parseHeader } from "./header.ts";
import { deriveKey, openSFrame, type SFrameKey } from "./key.ts";
import { clearLength, frameAad, frameBaseKey, type FrameKind, streamBits } from "./profile.ts";
import { ReplayWindow } from "./window.ts";

/** Frames of the epoch before are still under way when a re-key ends. */
const PREVIOUS_EPOCH_MS = 10_000;
const LIMIT_EPOCH = 0xffff;

/**
 * Why a frame was dropped. repeat: seen before, or older than the replay window. no-key: of an epoch still to come. old: of
 * one whose keys are gone. invalid: no SFrame of this stream, or it does not authenticate.
 */
export type Drop = "repeat" | "no-key" | "old" | "invalid";

interface OpeningKey {
  readonly key: Promise<SFrameKey>;
  readonly window: ReplayWindow;
}

interface Epoch {
  readonly epoch: number;
  readonly media: Uint8Array;
  ends: number; // Infinity: in use
  readonly keys: Map<FrameKind, OpeningKey>;
}

/** Decrypts the frames that the party `sender` sends. */
export class FrameOpener {
  readonly #sender: LinkRole;
  #epochs: readonly Epoch[] = []; // newest first, at most two

  constructor(sender: LinkRole) {
    this.#sender = sender;
  }

  /** A session that does not continue the last one (its epoch is not higher) replaces everything. */
  setKeys(epoch: number, media: Uint8Array, now: number): void {
    const fresh: Epoch = { epoch, media, ends: Infinity, keys: new Map() };
    const last = this.#epochs[0];
    if (last?.epoch === epoch && equal(last.media, media)) return;
    if (!last || epoch <= last.epoch) {
      this.#epochs = [fresh];
      return;
    }
    last.ends = now + PREVIOUS_EPOCH_MS;
    this.#epochs = [fresh, last];
  }

  async open(kind: FrameKind, vp8: boolean, frame: Uint8Array, now: number): Promise<Uint8Array | Drop> {
    const length = clearLength(vp8, frame);
    if (frame.length < length) return "invalid";
    const clear = frame.subarray(0, length);
    const rest = frame.subarray(length);
    const header = parseHeader(rest);
    if (!header) return "invalid";
    const found = this.#key(header.kid, kind, now);
    if (typeof found === "string") return found;
    if (!found.window.fresh(header.ctr)) return "repeat";
    const aad = frameAad(rest.subarray(0, header.length), kind, clear);
    const plain = await openSFrame(await found.key, header.ctr, aad, rest.subarray(header.length));
    if (!plain) return "invalid";
    // Another stream with the same key may have opened the same frame meanwhile.
    return found.window.add(header.ctr) ? concat(clear, new Uint8Array(plain)) : "repeat";
  }

  /** The key of a KID, which must be one of this stream. */
  #key(kid: bigint, kind: FrameKind, now: number): OpeningKey | Drop {
    if (Number(kid & 7n) !== streamBits(this.#sender, kind) || kid >> 3n > LIMIT_EPOCH) return "invalid";
    const epoch = Number(kid >> 3n);
    const newest = this.#epochs[0];
    if (!newest || epoch > newest.epoch) return "no-key";
    const of = this.#epochs.find((e) => e.epoch === epoch && now <= e.ends);
    if (!of) return "old";
    const known = of.keys.get(kind);
    if (known) return known;
    const key = deriveKey(Number(kid), frameBaseKey(of.media, epoch, this.#sender, kind));
    const made = { key, window: new ReplayWindow() };
    of.keys.set(kind, made);
    return made;
  }
}
