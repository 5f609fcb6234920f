import { LimitMLines, LimitSDP } from "../protocol/sealed.gen.ts";
import { E2EEError } from "./e2ee/errors.ts";

/** SHA-256 of a DTLS certificate as 64 lower-case hex digits; the only form that crosses the wire. */
export type Fingerprint = string;

/** In a rollback: "I have no peer connection any more, offer again". */
export const NO_FINGERPRINT: Fingerprint = "0".repeat(64);

/** The certificate fingerprint in a description of our own. E_SDP if there is none. */
export function ownFingerprint(sdp: string): Fingerprint {
  const hex = /^a=fingerprint:sha-256 ((?:[0-9A-F]{2}:){31}[0-9A-F]{2})\r?$/im.exec(sdp)?.[1];
  if (!hex) throw new E2EEError("E_SDP", "no sha-256 fingerprint");
  return hex.replaceAll(":", "").toLowerCase();
}

/**
 * Checks a description from the other party against the fingerprint sent with
 * it. The browser itself would accept any of several fingerprints and of several
 * hashes; we accept one. Throws E_SDP.
 */
export function checkSdp(sdp: string, fp: Fingerprint): void {
  const refuse = (detail: string) => new E2EEError("E_SDP", detail);
  if (sdp.length > LimitSDP) throw refuse("too long");
  const lines = sdp.split(/\r\n|\r|\n/);
  const having = (prefix: string) => lines.filter((l) => l.toLowerCase().startsWith(prefix));

  const media = having("m=").length;
  if (media === 0 || media > LimitMLines) throw refuse("number of m-lines");

  const prints = having("a=fingerprint");
  if (prints.length === 0) throw refuse("no fingerprint");
  for (const line of prints) {
    const [, hash, hex] = /^a=fingerprint:(\S+) +(\S+) *$/i.exec(line) ?? [];
    if (hash?.toLowerCase() !== "sha-256") throw refuse("fingerprint is not sha-256");
    if (hex?.replaceAll(":", "").toLowerCase() !== fp) throw refuse("fingerprint differs from the announced one");
  }
  // SDES would carry the media keys in the description (RFC 4568): DTLS only.
  if (having("a=crypto").length > 0) throw refuse("a=crypto");
  for (const line of having("a=setup")) {
    if (!/^a=setup:(actpass|active|passive) *$/i.test(line)) throw refuse("a=setup");
  }
}
