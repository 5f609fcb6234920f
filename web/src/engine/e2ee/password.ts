import { deriveLink } from "./derive.ts";
import { utf8 } from "./encode.ts";
import { E2EEError } from "./errors.ts";
import type { Link } from "./link.ts";

const ITERATIONS = 210_000; // OWASP's figure for PBKDF2-HMAC-SHA-512
const LIMIT_BYTES = 256;

/** NFC, every kind of space as U+0020; E_PASSWORD_FORM unless that is 1…256 bytes of UTF-8. */
export function canonicalPassword(password: string): Uint8Array {
  const text = password.normalize("NFC").replace(/\p{Zs}/gu, " ");
  const bytes = utf8(text);
  // A lone surrogate would be silently replaced, and other passwords would fit too.
  if (/\p{Cs}/u.test(text) || bytes.length === 0 || bytes.length > LIMIT_BYTES) throw new E2EEError("E_PASSWORD_FORM");
  return bytes;
}

/** The 32 bytes that go into the handshake. Takes a few hundred ms, off the main thread. */
export async function stretchPassword(link: Link, password: string): Promise<Uint8Array> {
  const canonical = new Uint8Array(canonicalPassword(password));
  const salt = new Uint8Array(deriveLink(link).passwordSalt);
  const key = await crypto.subtle.importKey("raw", canonical, "PBKDF2", false, ["deriveBits"]);
  const bits = await crypto.subtle.deriveBits(
    { name: "PBKDF2", hash: "SHA-512", salt, iterations: ITERATIONS },
    key,
    256,
  );
  return new Uint8Array(bits);
}
