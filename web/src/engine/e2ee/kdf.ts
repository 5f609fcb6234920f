import { expand, extract } from "@noble/hashes/hkdf.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { concat, utf8 } from "./encode.ts";

/** In front of every label, so that no key of another protocol or version can be one of ours. */
const PREFIX = "1v1e/1 ";
const ROOT_BYTES = 64;

export function hash(...parts: readonly Uint8Array[]): Uint8Array {
  return sha512(concat(...parts));
}

/** The first 32 bytes of SHA-512. */
export function hash32(...parts: readonly Uint8Array[]): Uint8Array {
  return hash(...parts).slice(0, 32);
}

/** A prefixed label as bytes. */
export function label(text: string): Uint8Array {
  return utf8(PREFIX + text);
}

/** HKDF-Extract; always a root of 64 bytes. */
export function extractRoot(salt: Uint8Array, ikm: Uint8Array): Uint8Array {
  return extract(sha512, ikm, salt);
}

/** HKDF-Expand of a 64-byte root under a label and a context. */
export function expandKey(root: Uint8Array, name: string, context: Uint8Array, length: number): Uint8Array {
  // RFC 5869 takes any length; a shorter root here would be a mix-up of keys.
  if (root.length !== ROOT_BYTES) throw new RangeError("key derivation needs a 64-byte root");
  return expand(sha512, root, concat(label(name), Uint8Array.of(0), context), length);
}

/** HMAC-SHA-512, first 32 bytes. */
export function mac(key: Uint8Array, message: Uint8Array): Uint8Array {
  return hmac(sha512, key, message).slice(0, 32);
}
