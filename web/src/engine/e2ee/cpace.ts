/** CPace over ristretto255 with SHA-512, initiator-responder mode (draft-irtf-cfrg-cpace-21). */
import { ristretto255, ristretto255_hasher } from "@noble/curves/ed25519.js";
import { concat, lv, prependLen, utf8 } from "./encode.ts";
import { E2EEError } from "./errors.ts";
import { hash } from "./kdf.ts";

const DSI = utf8("CPaceRistretto255");
const DSI_ISK = utf8("CPaceRistretto255_ISK");
const SHA512_BLOCK_BYTES = 128;

const { Point } = ristretto255;
type Element = ReturnType<typeof Point.fromBytes>;

/** calculate_generator of the draft (section 7.3): the password fills a whole hash block. */
export function cpaceGenerator(prs: Uint8Array, ci: Uint8Array, sid: Uint8Array): Element {
  const padding = Math.max(0, SHA512_BLOCK_BYTES - 1 - prependLen(prs).length - prependLen(DSI).length);
  const point = ristretto255_hasher.deriveToCurve?.(hash(lv(DSI, prs, new Uint8Array(padding), ci, sid)));
  if (point === undefined) throw new E2EEError("E_INTERNAL", "no element derivation"); // optional in the library's type only
  return point;
}

/** A scalar from 64 uniform bytes, little-endian, reduced modulo the group order. */
export function cpaceScalar(uniform: Uint8Array): bigint {
  return uniform.reduceRight((n, x) => (n << 8n) | BigInt(x), 0n) % Point.Fn.ORDER;
}

/** The public share. */
export function cpaceShare(generator: Element, scalar: bigint): Uint8Array {
  return generator.multiply(scalar).toBytes();
}

/** Decodes a peer's share: canonical and not the identity, or E_POINT. */
export function cpaceDecode(share: Uint8Array): Element {
  let point: Element;
  try {
    point = Point.fromBytes(share);
  } catch {
    throw new E2EEError("E_POINT");
  }
  if (point.is0()) throw new E2EEError("E_POINT");
  return point;
}

/** scalar_mult_vfy of the draft. */
export function cpaceShared(scalar: bigint, peerShare: Uint8Array): Uint8Array {
  const k = cpaceDecode(peerShare).multiply(scalar);
  if (k.is0()) throw new E2EEError("E_POINT");
  return k.toBytes();
}

/** What a side contributes: its share and the data bound to it. */
export interface CpaceMessage {
  readonly share: Uint8Array;
  readonly ad: Uint8Array;
}

/** The intermediate session key (64 bytes) of initiator a and responder b. */
export function cpaceIsk(sid: Uint8Array, k: Uint8Array, a: CpaceMessage, b: CpaceMessage): Uint8Array {
  return hash(concat(lv(DSI_ISK, sid, k), lv(a.share, a.ad), lv(b.share, b.ad)));
}
