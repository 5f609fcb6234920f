/** The four handshake messages as bytes. Parsers take exactly one form of each: E_PARSE, E_VERSION for any other. */
import { equal, lv, readFields, readU16, u16, utf8 } from "./encode.ts";
import { E2EEError } from "./errors.ts";

/** Version and suite, as they stand in the transcript. A link names one version, which is one suite. */
export const SUITE: Uint8Array = Uint8Array.of(0x01, 0x01);

const NAMES = [utf8("M1"), utf8("M2"), utf8("M3"), utf8("M4")] as const;
const POINT_BYTES = 32;
const KEM_PUBLIC_BYTES = 1184;
const KEM_CIPHERTEXT_BYTES = 1088;

/** Guest to host: shares, and what the guest can do. */
export interface M1 {
  readonly share: Uint8Array;
  /** The fields below, as they stand in the transcript. */
  readonly ad: Uint8Array;
  readonly kemPublic: Uint8Array;
  /** The guest's key for consent signatures in this session. */
  readonly sigPub: Uint8Array;
  /** Empty, or the resume id of the last session. */
  readonly resumeId: Uint8Array;
  readonly caps: Uint8Array;
}

/** Host to guest. */
export interface M2 {
  readonly share: Uint8Array;
  readonly ad: Uint8Array;
  readonly kemCiphertext: Uint8Array;
  /** Commitment to the host's half of the verification words. */
  readonly commitment: Uint8Array;
  readonly hostPub: Uint8Array;
  readonly resumed: boolean;
  readonly epoch: number;
  readonly caps: Uint8Array;
  readonly signature: Uint8Array;
}

/** M3 and M4: a nonce for the verification words, and the confirmation. */
export interface Confirmation {
  readonly nonce: Uint8Array;
  readonly tag: Uint8Array;
}

export function encodeM1(m: Omit<M1, "ad">): Uint8Array {
  return lv(NAMES[0], m.share, lv(SUITE, m.kemPublic, m.sigPub, m.resumeId, m.caps));
}

export function parseM1(b: Uint8Array): M1 {
  const [name, share, ad] = readFields(b, [2, POINT_BYTES, null]);
  expectName(name, 1);
  const [suite, kemPublic, sigPub, resumeId, caps] = readFields(ad, [2, KEM_PUBLIC_BYTES, 32, null, null]);
  expectSuite(suite);
  if (resumeId.length !== 0 && resumeId.length !== 16) throw new E2EEError("E_PARSE", "resume id");
  return { share, ad, kemPublic, sigPub, resumeId, caps };
}

export function encodeM2Data(m: Omit<M2, "ad" | "share" | "signature">): Uint8Array {
  return lv(SUITE, m.kemCiphertext, m.commitment, m.hostPub, Uint8Array.of(m.resumed ? 1 : 0), u16(m.epoch), m.caps);
}

export function encodeM2(share: Uint8Array, ad: Uint8Array, signature: Uint8Array): Uint8Array {
  return lv(NAMES[1], share, ad, signature);
}

/** M2 without the signature: what the signature covers. */
export function signedM2(share: Uint8Array, ad: Uint8Array): Uint8Array {
  return lv(NAMES[1], share, ad);
}

export function parseM2(b: Uint8Array): M2 {
  const [name, share, ad, signature] = readFields(b, [2, POINT_BYTES, null, 64]);
  expectName(name, 2);
  const [suite, kemCiphertext, commitment, hostPub, resumed, epoch, caps] = readFields(ad, [
    2,
    KEM_CIPHERTEXT_BYTES,
    32,
    32,
    1,
    2,
    null,
  ]);
  expectSuite(suite);
  if ((resumed[0] ?? 2) > 1) throw new E2EEError("E_PARSE", "resumed");
  return {
    share,
    ad,
    kemCiphertext,
    commitment,
    hostPub,
    resumed: resumed[0] === 1,
    epoch: readU16(epoch, 0),
    caps,
    signature,
  };
}

export function encodeConfirmation(number: 3 | 4, m: Confirmation): Uint8Array {
  return lv(nameOf(number), m.nonce, m.tag);
}

export function parseConfirmation(number: 3 | 4, b: Uint8Array): Confirmation {
  const [name, nonce, tag] = readFields(b, [2, 32, 32]);
  expectName(name, number);
  return { nonce, tag };
}

/** 1…4 by the name in front, null if this is no handshake message. */
export function messageNumber(inner: Uint8Array): 1 | 2 | 3 | 4 | null {
  const digit = inner[0] === 2 && inner[1] === 0x4d ? (inner[2] ?? 0) - 0x30 : 0;
  return digit === 1 || digit === 2 || digit === 3 || digit === 4 ? digit : null;
}

function nameOf(number: 1 | 2 | 3 | 4): Uint8Array {
  return NAMES[number - 1] ?? NAMES[0];
}

function expectName(name: Uint8Array, number: 1 | 2 | 3 | 4): void {
  if (!equal(name, nameOf(number))) throw new E2EEError("E_PARSE", "message name");
}

function expectSuite(suite: Uint8Array): void {
  if (!equal(suite, SUITE)) throw new E2EEError("E_VERSION", "handshake of another version");
}
