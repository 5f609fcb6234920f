/** The key schedule: what goes into the transcript hashes, the root key and the confirmations. */
import { concat, lv } from "./encode.ts";
import { expandKey, extractRoot, hash, label, mac } from "./kdf.ts";
import type { LinkRole } from "./link.ts";
import { SUITE } from "./messages.ts";

/** Connection ids of both sides: each contributes fresh randomness. */
export interface Connection {
  readonly callId: Uint8Array;
  readonly cidGuest: Uint8Array;
  readonly cidHost: Uint8Array;
}

/** What CPace calls the channel identifier: the call, the host's key, the roles in order. */
export function channelIdentifier(callId: Uint8Array, hostKeyHash: Uint8Array): Uint8Array {
  return lv(label("ci"), SUITE, callId, hostKeyHash, "guest", "host");
}

/** The low-entropy part, with the link secret: what CPace calls PRS. password: stretched, or empty. */
export function passwordString(linkSecret: Uint8Array, password: Uint8Array): Uint8Array {
  return lv(label("prs"), linkSecret, password);
}

/** Everything up to and with M2, except the signature over this. */
export function transcript2(c: Connection, m1: Uint8Array, m2Signed: Uint8Array): Uint8Array {
  return hash(lv(label("transcript"), SUITE, c.callId, c.cidGuest, c.cidHost, m1, m2Signed));
}

export function transcript3(th2: Uint8Array, m3: Uint8Array): Uint8Array {
  return hash(lv(label("th3"), th2, m3));
}

export function transcript4(th3: Uint8Array, m4: Uint8Array): Uint8Array {
  return hash(lv(label("th4"), th3, m4));
}

/** The secrets that go into the root, in their fixed order. */
export interface RootSecrets {
  readonly isk: Uint8Array;
  /** ML-KEM shared secret. */
  readonly kem: Uint8Array;
  readonly psk: Uint8Array;
  /** Resume secret of the previous epoch, or empty. */
  readonly resume: Uint8Array;
}

export function rootKey(th2: Uint8Array, s: RootSecrets): Uint8Array {
  return extractRoot(th2, lv(s.isk, s.kem, s.psk, s.resume));
}

/** The confirmation of one side; th: th2 for the guest (M3), th3 for the host (M4). */
export function confirmTag(root: Uint8Array, sender: LinkRole, th: Uint8Array, nonce: Uint8Array): Uint8Array {
  const key = expandKey(root, `confirm ${sender}`, th, 64);
  return mac(key, concat(label(`tag ${sender}`), th, nonce));
}

/** What the host signs in M2. */
export function hostSignatureInput(th2: Uint8Array): Uint8Array {
  return concat(label("host sig"), th2);
}

/** The host's commitment to its nonce, sent before it sees the guest's. */
export function commitmentInput(nonce: Uint8Array): Uint8Array {
  return concat(label("commit"), nonce);
}
