import { ed25519 } from "@noble/curves/ed25519.js";
import { concat, equal } from "./encode.ts";
import { hash } from "./kdf.ts";

const { Point } = ed25519;

export function publicKey(seed: Uint8Array): Uint8Array {
  return ed25519.getPublicKey(seed);
}

export function sign(seed: Uint8Array, message: Uint8Array): Uint8Array {
  return ed25519.sign(message, seed);
}

/**
 * Verifies as RFC 8032 §5.1.7 without the cofactor, as Go does, and refuses
 * non-canonical encodings and keys of small order. The library's own verify
 * multiplies by the cofactor, so that the two languages could disagree on a
 * signature made to split them.
 */
export function verify(pub: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== 64 || pub.length !== 32) return false;
  const r = signature.subarray(0, 32);
  const s = littleEndian(signature.subarray(32));
  if (s >= Point.Fn.ORDER) return false;
  try {
    const a = Point.fromBytes(pub, false);
    if (a.isSmallOrder()) return false;
    const k = littleEndian(hash(concat(r, pub, message))) % Point.Fn.ORDER;
    // Everything here is public, so variable time is fine.
    const sB = s === 0n ? Point.ZERO : Point.BASE.multiplyUnsafe(s);
    const kA = k === 0n ? Point.ZERO : a.multiplyUnsafe(k);
    return equal(sB.subtract(kA).toBytes(), r);
  } catch {
    return false;
  }
}

function littleEndian(b: Uint8Array): bigint {
  return b.reduceRight((n, x) => (n << 8n) | BigInt(x), 0n);
}
