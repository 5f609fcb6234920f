/**
 * The handshake, one class per side. Each runs once; a failure leaves it useless.
 *
 * Order of proof: the host signs (M2), the guest confirms (M3), the host
 * confirms (M4). So whoever poses as the guest has one guess per run and learns
 * nothing to try passwords against later; whoever poses as the host has none.
 */
import { ml_kem768 } from "@noble/post-quantum/ml-kem.js";
import { type Caps, decodeCaps, effectivePolicy, type Policy } from "./caps.ts";
import { cpaceDecode, cpaceGenerator, cpaceIsk, cpaceScalar, cpaceShare, cpaceShared } from "./cpace.ts";
import { type HostKeys, hostKeyHash } from "./derive.ts";
import * as ed25519 from "./ed25519.ts";
import { concat, equal } from "./encode.ts";
import { E2EEError } from "./errors.ts";
import { hash32 } from "./kdf.ts";
import type { RandomSource } from "./link.ts";
import type { Party } from "./party.ts";
import * as msg from "./messages.ts";
import type { ResumeState } from "./resume.ts";
import * as ks from "./schedule.ts";
import { Session } from "./session.ts";

/** What one side goes into one handshake with. */
export interface HandshakeInput extends Party {
  readonly cidGuest: Uint8Array;
  readonly cidHost: Uint8Array;
  /** The session to continue; null for a fresh one. */
  readonly resume: ResumeState | null;
}

const NONE = new Uint8Array(0);

function generatorOf(i: HandshakeInput): ReturnType<typeof cpaceGenerator> {
  const ci = ks.channelIdentifier(i.keys.callId, i.keys.hostKeyHash);
  return cpaceGenerator(ks.passwordString(i.keys.linkSecret, i.password), ci, sidOf(i));
}

function sidOf(i: HandshakeInput): Uint8Array {
  return concat(i.cidGuest, i.cidHost);
}

function connectionOf(i: HandshakeInput): ks.Connection {
  return { callId: i.keys.callId, cidGuest: i.cidGuest, cidHost: i.cidHost };
}

/** A scalar and the bytes it came from, wiped. */
function takeScalar(random: RandomSource): bigint {
  const uniform = random(64);
  const scalar = cpaceScalar(uniform);
  uniform.fill(0);
  return scalar;
}

/** What both sides know once M1 and M2 are on the wire. */
interface Agreed {
  readonly root: Uint8Array;
  readonly th2: Uint8Array;
  readonly epoch: number;
  readonly resumed: boolean;
  readonly peerCaps: Caps;
}

export class GuestHandshake {
  /** The first message. */
  readonly m1: Uint8Array;
  readonly #input: HandshakeInput;
  readonly #scalar: bigint;
  readonly #share: Uint8Array;
  readonly #ad: Uint8Array;
  readonly #kemSecret: Uint8Array;
  readonly #nonce: Uint8Array;
  #agreed: (Agreed & { readonly policy: Policy; readonly commitment: Uint8Array; readonly th3: Uint8Array }) | null =
    null;

  constructor(input: HandshakeInput) {
    this.#input = input;
    this.#scalar = takeScalar(input.random);
    const kemSeed = input.random(64);
    const kem = ml_kem768.keygen(kemSeed);
    kemSeed.fill(0);
    this.#kemSecret = kem.secretKey;
    const sigSeed = input.random(32);
    this.#nonce = input.random(32);
    this.#share = cpaceShare(generatorOf(input), this.#scalar);
    this.m1 = msg.encodeM1({
      share: this.#share,
      kemPublic: kem.publicKey,
      sigPub: ed25519.publicKey(sigSeed),
      resumeId: input.resume?.id ?? NONE,
      caps: input.capsBytes,
    });
    this.#ad = msg.parseM1(this.m1).ad;
  }

  /** Checks the host's answer and returns M3. Nothing keyed is sent before all of it is right. */
  receiveM2(m2Bytes: Uint8Array): Uint8Array {
    if (this.#agreed !== null) throw new E2EEError("E_STATE");
    const i = this.#input;
    const m2 = msg.parseM2(m2Bytes);
    const peerCaps = decodeCaps(m2.caps);
    const th2 = ks.transcript2(connectionOf(i), this.m1, msg.signedM2(m2.share, m2.ad));
    if (!equal(hostKeyHash(m2.hostPub), i.keys.hostKeyHash)) throw new E2EEError("E_HOSTKEY");
    if (!ed25519.verify(m2.hostPub, ks.hostSignatureInput(th2), m2.signature)) throw new E2EEError("E_HOSTSIG");
    this.#checkEpoch(m2);
    const policy = effectivePolicy(i.caps, peerCaps);

    const k = cpaceShared(this.#scalar, m2.share);
    const isk = cpaceIsk(sidOf(i), k, { share: this.#share, ad: this.#ad }, { share: m2.share, ad: m2.ad });
    const kem = ml_kem768.decapsulate(m2.kemCiphertext, this.#kemSecret);
    this.#kemSecret.fill(0);
    const resume = m2.resumed && i.resume ? i.resume.secret : NONE;
    const root = ks.rootKey(th2, { isk, kem, psk: i.keys.psk, resume });
    const m3 = msg.encodeConfirmation(3, { nonce: this.#nonce, tag: ks.confirmTag(root, "guest", th2, this.#nonce) });
    const th3 = ks.transcript3(th2, m3);
    this.#agreed = {
      root,
      th2,
      th3,
      policy,
      peerCaps,
      epoch: m2.epoch,
      resumed: m2.resumed,
      commitment: m2.commitment,
    };
    return m3;
  }

  /** The host continues the session that we named. */
  get resumed(): boolean {
    return this.#agreed?.resumed ?? false;
  }

  /** Checks the host's confirmation. */
  receiveM4(m4Bytes: Uint8Array): Session {
    const a = this.#agreed;
    if (a === null) throw new E2EEError("E_STATE");
    const m4 = msg.parseConfirmation(4, m4Bytes);
    if (!equal(hash32(ks.commitmentInput(m4.nonce)), a.commitment)) throw new E2EEError("E_COMMIT");
    if (!equal(ks.confirmTag(a.root, "host", a.th3, m4.nonce), m4.tag)) throw new E2EEError("E_CONFIRM");
    const verified = a.resumed && (this.#input.resume?.verified ?? false);
    return new Session({ ...a, role: "guest", verified, th4: ks.transcript4(a.th3, m4Bytes) });
  }

  #checkEpoch(m2: msg.M2): void {
    const previous = this.#input.resume;
    if (m2.resumed && previous === null) throw new E2EEError("E_EPOCH", "resumed unasked");
    const want = m2.resumed && previous !== null ? previous.epoch + 1 : 0;
    if (m2.epoch !== want) throw new E2EEError("E_EPOCH");
  }
}

export class HostHandshake {
  /** The answer to M1. */
  readonly m2: Uint8Array;
  readonly #input: HandshakeInput;
  readonly #nonce: Uint8Array;
  readonly #agreed: Agreed;
  #done = false;

  /** `input.resume`: the state that M1 names, if the host knows it. E_POINT, E_KEM, E_PARSE. */
  constructor(input: HandshakeInput, host: HostKeys, m1Bytes: Uint8Array) {
    this.#input = input;
    const m1 = msg.parseM1(m1Bytes);
    const peerCaps = decodeCaps(m1.caps);
    cpaceDecode(m1.share);
    const scalar = takeScalar(input.random);
    const { cipherText, sharedSecret } = encapsulate(m1.kemPublic, input.random(32));
    this.#nonce = input.random(32);
    const share = cpaceShare(generatorOf(input), scalar);
    const resumed = input.resume !== null;
    const epoch = input.resume === null ? 0 : input.resume.epoch + 1;
    const ad = msg.encodeM2Data({
      kemCiphertext: cipherText,
      commitment: hash32(ks.commitmentInput(this.#nonce)),
      hostPub: host.hostPub,
      resumed,
      epoch,
      caps: input.capsBytes,
    });
    const th2 = ks.transcript2(connectionOf(input), m1Bytes, msg.signedM2(share, ad));
    this.m2 = msg.encodeM2(share, ad, ed25519.sign(host.hostSeed, ks.hostSignatureInput(th2)));

    const k = cpaceShared(scalar, m1.share);
    const isk = cpaceIsk(sidOf(input), k, { share: m1.share, ad: m1.ad }, { share, ad });
    const root = ks.rootKey(th2, { isk, kem: sharedSecret, psk: input.keys.psk, resume: input.resume?.secret ?? NONE });
    this.#agreed = { root, th2, epoch, resumed, peerCaps };
  }

  /** Checks the guest's confirmation: E_CONFIRM is a wrong guess. Returns M4 and the session. */
  receiveM3(m3Bytes: Uint8Array): { m4: Uint8Array; session: Session } {
    if (this.#done) throw new E2EEError("E_STATE");
    const a = this.#agreed;
    const m3 = msg.parseConfirmation(3, m3Bytes);
    this.#done = true; // one look at one tag: a guess costs a whole handshake
    if (!equal(ks.confirmTag(a.root, "guest", a.th2, m3.nonce), m3.tag)) throw new E2EEError("E_CONFIRM");
    const policy = effectivePolicy(this.#input.caps, a.peerCaps);
    const th3 = ks.transcript3(a.th2, m3Bytes);
    const tag = ks.confirmTag(a.root, "host", th3, this.#nonce);
    const m4 = msg.encodeConfirmation(4, { nonce: this.#nonce, tag });
    const verified = this.#input.resume?.verified ?? false;
    return { m4, session: new Session({ ...a, role: "host", policy, verified, th4: ks.transcript4(th3, m4) }) };
  }
}

function encapsulate(kemPublic: Uint8Array, seed: Uint8Array): { cipherText: Uint8Array; sharedSecret: Uint8Array } {
  try {
    return ml_kem768.encapsulate(kemPublic, seed);
  } catch {
    throw new E2EEError("E_KEM"); // a coefficient of the key is not reduced (FIPS 203 §7.2)
  } finally {
    seed.fill(0);
  }
}
