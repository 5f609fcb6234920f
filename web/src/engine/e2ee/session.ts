import { bindMac } from "./bind.ts";
import type { Caps, Policy } from "./caps.ts";
import { equal } from "./encode.ts";
import { FileFrames } from "./fileframes.ts";
import { FRAME_DATA, FRAME_SIGNALING, FrameOpener, FrameSealer } from "./frames.ts";
import { expandKey } from "./kdf.ts";
import type { LinkRole } from "./link.ts";
import { RESUME_LIFETIME_MS, type ResumeState } from "./resume.ts";
import { type Sas, sasFrom } from "./sas.ts";

/** What a completed handshake hands over. */
export interface SessionSecrets {
  readonly role: LinkRole;
  readonly root: Uint8Array;
  readonly th4: Uint8Array;
  readonly epoch: number;
  readonly resumed: boolean;
  readonly verified: boolean;
  readonly peerCaps: Caps;
  readonly policy: Policy;
}

/** What a completed handshake leaves: keys, words, policy. Secrets are private, so that a logged session shows none. */
export class Session {
  readonly role: LinkRole;
  /** Counts the handshakes of one chain of resumptions, from 0. */
  readonly epoch: number;
  readonly resumed: boolean;
  /** In the session that this one continues, this person said that the words match. */
  readonly verified: boolean;
  readonly peerCaps: Caps;
  readonly policy: Policy;
  /** Verification words to compare aloud. */
  readonly sas: Sas;
  /** For support: 16 bytes that both sides see; not secret-critical. */
  readonly id: Uint8Array;
  /** For the data channel `files`. */
  readonly files: FileFrames;
  readonly #resume: { readonly id: Uint8Array; readonly secret: Uint8Array };
  readonly #media: Uint8Array;
  readonly #bindKeys: Readonly<Record<LinkRole, Uint8Array>>;
  readonly #signalingOut: FrameSealer;
  readonly #signalingIn: FrameOpener;
  readonly #dataOut: FrameSealer;
  readonly #dataIn: FrameOpener;

  constructor(s: SessionSecrets) {
    const key = (name: string, length: number): Uint8Array => expandKey(s.root, name, s.th4, length);
    const frameKey = (name: string, type: number) => ({ key: key(name, 32), name, type, epoch: s.epoch });
    const [out, back] = s.role === "guest" ? ["g2h", "h2g"] : ["h2g", "g2h"];
    this.role = s.role;
    this.epoch = s.epoch;
    this.resumed = s.resumed;
    this.verified = s.verified;
    this.peerCaps = s.peerCaps;
    this.policy = s.policy;
    this.sas = sasFrom(key("sas", 8));
    this.id = key("session id", 16);
    const fileKey = (way: string) => ({ key: key(`files ${way}`, 32), name: `files ${way}` });
    this.files = new FileFrames({ epoch: s.epoch, out: fileKey(out), back: fileKey(back) });
    this.#resume = { id: key("resume id", 16), secret: key("resume", 32) };
    this.#media = key("media", 64);
    this.#bindKeys = { guest: key("bind guest", 64), host: key("bind host", 64) };
    this.#signalingOut = new FrameSealer(frameKey(`seal ${out}`, FRAME_SIGNALING));
    this.#signalingIn = new FrameOpener(frameKey(`seal ${back}`, FRAME_SIGNALING));
    this.#dataOut = new FrameSealer(frameKey(`dc ${out}`, FRAME_DATA));
    this.#dataIn = new FrameOpener(frameKey(`dc ${back}`, FRAME_DATA));
  }

  /** Root of the keys for media frames (SFrame, RFC 9605), 64 bytes. */
  media(): Uint8Array {
    return this.#media.slice();
  }

  /** The first message of `sender` over the data channel. fp: SHA-256 of a DTLS certificate. */
  bind(sender: LinkRole, fpGuest: Uint8Array, fpHost: Uint8Array): Uint8Array {
    return bindMac(this.#bindKeys[sender], this.epoch, fpGuest, fpHost);
  }

  /** Whether got is the other side's `bind`. */
  isBound(got: Uint8Array, fpGuest: Uint8Array, fpHost: Uint8Array): boolean {
    return equal(got, this.bind(this.role === "guest" ? "host" : "guest", fpGuest, fpHost));
  }

  /** How many frames the busiest key has sealed. */
  get frames(): number {
    const { count: out } = this.#signalingOut;
    return Math.max(out, this.#signalingIn.count, this.#dataOut.count, this.#dataIn.count);
  }

  /** Frames come over another data channel from now on: see `Keyring.checkBind`. */
  skipData(): void {
    this.#dataIn.skip();
  }

  /** Seals one JSON message for the data channel. */
  sealData(plain: Uint8Array): Uint8Array {
    return this.#dataOut.seal(plain);
  }

  /** Opens a frame from the data channel. Any error is final for the session. */
  openData(frame: Uint8Array): Uint8Array {
    return this.#dataIn.open(frame);
  }

  /** Seals one frame for the WebSocket; for the machines of this package. */
  sealSignaling(plain: Uint8Array): Uint8Array {
    return this.#signalingOut.seal(plain);
  }

  openSignaling(frame: Uint8Array): Uint8Array {
    return this.#signalingIn.open(frame);
  }

  /** What the next handshake builds on if this session is lost. */
  resumeState(verified: boolean, now: number): ResumeState {
    return { ...this.#resume, epoch: this.epoch, verified, expires: now + RESUME_LIFETIME_MS };
  }
}
