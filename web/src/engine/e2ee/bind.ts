import { lv, u16 } from "./encode.ts";
import { E2EEError } from "./errors.ts";
import { label, mac } from "./kdf.ts";

const FINGERPRINT_BYTES = 32; // SHA-256 of a DTLS certificate

/**
 * The first message each way over the data channel: proves that whoever ran the
 * handshake also holds the two DTLS certificates (RFC 8844 describes what goes
 * wrong without).
 */
export function bindMac(key: Uint8Array, epoch: number, fpGuest: Uint8Array, fpHost: Uint8Array): Uint8Array {
  if (fpGuest.length !== FINGERPRINT_BYTES || fpHost.length !== FINGERPRINT_BYTES)
    throw new E2EEError("E_BIND", "fingerprint");
  return mac(key, lv(label("bind"), u16(epoch), fpGuest, fpHost));
}
