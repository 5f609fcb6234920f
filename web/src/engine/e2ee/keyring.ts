import { readU16 } from "./encode.ts";
import { E2EEError } from "./errors.ts";
import type { LinkRole } from "./link.ts";
import type { Session } from "./session.ts";

/** How long the keys of an epoch are kept after the other side was heard under the next: what was on its way may still be opened. */
export const FADE_MS = 10_000;
/** And while frames under them still come, as after seconds of a slow line, at most this long. */
const FADE_MAX_MS = 60_000;
const HEADER_BYTES = 11;

/** A frame that was opened, and by which session. */
export interface Opened {
  readonly session: Session;
  readonly plain: Uint8Array;
}

/**
 * The sessions of two people under whose keys frames may be on their way. A frame names its epoch, so there is one to
 * seal with and up to three to open with.
 *
 * The keys of the next epoch are used for sending by the guest once it has M4, and by the host once it has heard the
 * guest under them: whoever receives has the keys before anything comes that needs them, even if M4 is lost.
 */
export class Keyring {
  #current: Session | null = null;
  #next: Session | null = null;
  #previous: Session | null = null;
  #lastFade = 0;
  #fadeAt: number | null = null; // null while the other side was not heard under the keys in use

  /** The session to seal with. */
  get current(): Session | null {
    return this.#current;
  }

  /** Host: M4 is sent, the guest was not heard under it yet. */
  get next(): Session | null {
    return this.#next;
  }

  /** Whether the keys of the epoch before are still there. */
  get fading(): boolean {
    return this.#previous !== null;
  }

  change(session: Session): void {
    this.#previous = this.#current;
    this.#current = session;
    this.#next = null;
    this.#fadeAt = null;
  }

  /** Keeps a session to open frames with, until one comes. */
  expect(session: Session): void {
    this.#next = session;
  }

  /** A frame was opened with this session. */
  heard(session: Session, now: number): void {
    if (this.#previous === null) return;
    if (session === this.#current && this.#fadeAt === null) {
      this.#fadeAt = now + FADE_MS;
      this.#lastFade = now + FADE_MAX_MS;
    } else if (session === this.#previous && this.#fadeAt !== null) {
      this.#fadeAt = Math.min(now + FADE_MS, this.#lastFade);
    }
  }

  tick(now: number): void {
    if (now < this.deadline()) return;
    this.#previous = null;
    this.#fadeAt = null;
  }

  deadline(): number {
    return this.#fadeAt ?? Infinity;
  }

  /** A frame that came through the server; null if it was sealed under keys that are gone by now. E_SEQ. */
  openSignaling(frame: Uint8Array): Opened | null {
    const session = this.#opener(frame);
    return session && { session, plain: session.openSignaling(frame) };
  }

  /** A frame from the data channel. */
  openData(frame: Uint8Array): Opened | null {
    const session = this.#opener(frame);
    return session && { session, plain: session.openData(frame) };
  }

  sealData(plain: Uint8Array): Uint8Array {
    return this.#sealer().sealData(plain);
  }

  sealFile(plain: Uint8Array): Uint8Array {
    return this.#sealer().files.seal(plain);
  }

  /** A frame from the channel for files. */
  openFile(frame: Uint8Array, now: number): Uint8Array | null {
    const session = this.#opener(frame);
    if (session === null) return null;
    const plain = session.files.open(frame);
    this.heard(session, now);
    return plain;
  }

  bind(sender: LinkRole, fpGuest: Uint8Array, fpHost: Uint8Array): Uint8Array {
    return this.#sealer().bind(sender, fpGuest, fpHost);
  }

  /**
   * E_BIND unless got is the other side's `bind` in an epoch that is alive: it may have changed its keys a moment before
   * or after us.
   */
  checkBind(got: Uint8Array, fpGuest: Uint8Array, fpHost: Uint8Array): void {
    const fits = this.#all().filter((s) => s.isBound(got, fpGuest, fpHost));
    if (fits.length === 0) throw new E2EEError("E_BIND");
  }

  /**
   * The next frame is the first over its channel. What was said last over the one before may be lost, so it may skip
   * counters; those after it may not.
   */
  skipData(): void {
    for (const s of this.#all()) s.skipData();
  }

  /** Whether a key in use has sealed this many frames. */
  worn(limit: number): boolean {
    return this.#current !== null && this.#current.frames >= limit;
  }

  #sealer(): Session {
    if (this.#current === null) throw new E2EEError("E_STATE");
    return this.#current;
  }

  #all(): Session[] {
    return [this.#next, this.#current, this.#previous].filter((s) => s !== null);
  }

  #opener(frame: Uint8Array): Session | null {
    if (frame.length < HEADER_BYTES) throw new E2EEError("E_SEQ", "not a sealed frame");
    const epoch = readU16(frame, 1);
    const session = this.#all().find((s) => s.epoch === epoch);
    if (session) return session;
    if (this.#current !== null && epoch < this.#current.epoch) return null;
    throw new E2EEError("E_SEQ", "sealed frame of another epoch");
  }
}
