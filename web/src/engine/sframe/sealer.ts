import { concat, equal } from "../e2ee/encode.ts";
import type { LinkRole } from "../e2ee/link.ts";
import { encodeHeader } from "./header.ts";
import { deriveKey, sealSFrame, type SFrameKey } from "./key.ts";
import { clearLength, frameAad, frameBaseKey, frameKid, type FrameKind } from "./profile.ts";

interface SealingKey {
  readonly kid: bigint;
  readonly key: Promise<SFrameKey>;
  next: bigint;
}

/**
 * Encrypts the frames a party sends (SFrame, RFC 9605). It owns the counters: they never repeat, whatever happens to
 * tracks, transforms and connections. Without keys nothing is sealed, and nothing may leave.
 */
export class FrameSealer {
  readonly #role: LinkRole;
  readonly #used: Uint8Array[] = [];
  #epoch = 0;
  #media: Uint8Array | null = null;
  #keys = new Map<FrameKind, SealingKey>();

  constructor(role: LinkRole) {
    this.#role = role;
  }

  /** Takes the media secret of a session into use; the same one again changes nothing, so that counters go on. */
  setKeys(epoch: number, media: Uint8Array): void {
    if (this.#media && equal(this.#media, media)) return;
    if (this.#used.some((m) => equal(m, media))) throw new RangeError("media keys come back");
    this.#used.push(media);
    this.#epoch = epoch;
    this.#media = media;
    this.#keys = new Map();
  }

  /** clear || header || ciphertext || tag; null if the frame must not be sent. */
  async seal(kind: FrameKind, vp8: boolean, frame: Uint8Array): Promise<Uint8Array | null> {
    const length = clearLength(vp8, frame);
    if (!this.#media || frame.length === 0 || frame.length < length) return null;
    const sealing = this.#key(kind, this.#media);
    const ctr = sealing.next++; // taken before anything can wait: two frames never share one
    const clear = frame.subarray(0, length);
    const header = encodeHeader(sealing.kid, ctr);
    const aad = frameAad(header, kind, clear);
    const sealed = await sealSFrame(await sealing.key, ctr, aad, frame.subarray(length));
    return concat(clear, header, new Uint8Array(sealed));
  }

  #key(kind: FrameKind, media: Uint8Array): SealingKey {
    const known = this.#keys.get(kind);
    if (known) return known;
    const kid = frameKid(this.#epoch, this.#role, kind);
    const key = deriveKey(kid, frameBaseKey(media, this.#epoch, this.#role, kind));
    const made = { kid: BigInt(kid), key, next: 0n };
    this.#keys.set(kind, made);
    return made;
  }
}
