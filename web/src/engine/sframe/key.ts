import { expand, extract } from "@noble/hashes/hkdf.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { concat, u16, u64, utf8 } from "../e2ee/encode.ts";

/** AES_256_GCM_SHA512_128 of RFC 9605 §4.5. */
const SUITE = 0x0005;
const EMPTY = new Uint8Array(0);

/** What RFC 9605 §4.4.2 derives from a base key for one KID. */
export interface SFrameKey {
  readonly aead: CryptoKey;
  readonly salt: Uint8Array;
}

export async function deriveKey(kid: number, base: Uint8Array): Promise<SFrameKey> {
  const secret = extract(sha512, base, EMPTY);
  const part = (name: string, length: number): Uint8Array<ArrayBuffer> =>
    new Uint8Array(expand(sha512, secret, concat(utf8(`SFrame 1.0 Secret ${name} `), u64(kid), u16(SUITE)), length));
  const aead = await crypto.subtle.importKey("raw", part("key", 32), "AES-GCM", false, ["encrypt", "decrypt"]);
  return { aead, salt: part("salt", 12) };
}

/** Ciphertext and tag. A counter must be used once with a key. */
export async function sealSFrame(
  key: SFrameKey,
  ctr: bigint,
  aad: Uint8Array,
  plain: Uint8Array,
): Promise<ArrayBuffer> {
  return crypto.subtle.encrypt(parameters(key, ctr, aad), key.aead, own(plain));
}

/** Null if it does not authenticate. */
export async function openSFrame(
  key: SFrameKey,
  ctr: bigint,
  aad: Uint8Array,
  sealed: Uint8Array,
): Promise<ArrayBuffer | null> {
  try {
    return await crypto.subtle.decrypt(parameters(key, ctr, aad), key.aead, own(sealed));
  } catch {
    return null; // an OperationError, whatever the reason
  }
}

/** RFC 9605 §4.4.3: the salt, its end mixed with the counter. */
export function nonce(salt: Uint8Array, ctr: bigint): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(salt);
  const view = new DataView(out.buffer);
  view.setBigUint64(4, view.getBigUint64(4) ^ ctr);
  return out;
}

function parameters(key: SFrameKey, ctr: bigint, aad: Uint8Array): AesGcmParams {
  return { name: "AES-GCM", iv: nonce(key.salt, ctr), additionalData: own(aad), tagLength: 128 };
}

/** The type that WebCrypto wants: memory that is not shared. */
function own(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes as Uint8Array<ArrayBuffer>;
}
