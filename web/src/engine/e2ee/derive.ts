/** What follows from a link: the call id, the keys of the outer frame, the host's identities. */
import { concat, lv, utf8 } from "./encode.ts";
import * as ed25519 from "./ed25519.ts";
import { E2EEError } from "./errors.ts";
import { expandKey, extractRoot, hash32, label } from "./kdf.ts";
import { Link } from "./link.ts";

const NONE = new Uint8Array(0);

/** What both sides derive from either link. */
export interface LinkKeys {
  readonly linkSecret: Uint8Array;
  /** First 16 bytes of the hash of the host's public key: pins the host. */
  readonly hostKeyHash: Uint8Array;
  readonly callId: Uint8Array;
  readonly psk: Uint8Array;
  readonly passwordSalt: Uint8Array;
  /** Root of the outer frame keys. */
  readonly outer: Uint8Array;
}

/** What only the host can derive. */
export interface HostKeys {
  /** Ed25519 seed of the identity that guests verify. */
  readonly hostSeed: Uint8Array;
  readonly hostPub: Uint8Array;
  /** Ed25519 seed of the identity that the server verifies; unlinkable to the other. */
  readonly serverSeed: Uint8Array;
  readonly serverPub: Uint8Array;
}

export function deriveLink(link: Link): LinkKeys {
  const { linkSecret, hostKeyHash } = guestSecrets(link);
  const root = extractRoot(label("link"), linkSecret);
  return {
    linkSecret,
    hostKeyHash,
    callId: expandKey(root, "call id", NONE, 16),
    psk: expandKey(root, "psk", NONE, 32),
    passwordSalt: expandKey(root, "password salt", NONE, 16),
    outer: expandKey(root, "outer", NONE, 64),
  };
}

/** E_STATE for a guest link. */
export function deriveHost(link: Link): HostKeys {
  const root = hostRoot(link);
  const hostSeed = expandKey(root, "host ed25519", NONE, 32);
  const serverSeed = expandKey(root, "server auth ed25519", NONE, 32);
  return { hostSeed, hostPub: ed25519.publicKey(hostSeed), serverSeed, serverPub: ed25519.publicKey(serverSeed) };
}

/** The pin of a host key, as guest links carry it. */
export function hostKeyHash(hostPub: Uint8Array): Uint8Array {
  return hash32(label("host key"), hostPub).slice(0, 16);
}

/** The guest link that belongs to a host link. */
export function guestLink(link: Link): Link {
  if (!link.host) return link;
  const { linkSecret, hostKeyHash: pin } = guestSecrets(link);
  return new Link("guest", link.flags, concat(linkSecret, pin));
}

/** 16 bytes; what the server knows a call by. */
export function callId(link: Link): Uint8Array {
  return deriveLink(link).callId;
}

/** The host's public key for the server (`create.srv_pub`). */
export function serverPub(link: Link): Uint8Array {
  return deriveHost(link).serverPub;
}

/** The signature of a host's `join`. origin: scheme://host[:port] of the link. */
export function signServerAuth(link: Link, origin: string, nonce: Uint8Array, cid: Uint8Array): Uint8Array {
  return ed25519.sign(deriveHost(link).serverSeed, serverAuth(origin, nonce, callId(link), cid));
}

/** Checks what `signServerAuth` made. */
export function verifyServerAuth(
  pub: Uint8Array,
  signature: Uint8Array,
  origin: string,
  nonce: Uint8Array,
  call: Uint8Array,
  cid: Uint8Array,
): boolean {
  return ed25519.verify(pub, serverAuth(origin, nonce, call, cid), signature);
}

function serverAuth(origin: string, nonce: Uint8Array, call: Uint8Array, cid: Uint8Array): Uint8Array {
  return lv(label("server auth"), utf8(origin), nonce, call, cid);
}

function hostRoot(link: Link): Uint8Array {
  if (!link.host) throw new E2EEError("E_STATE", "not a host link");
  return extractRoot(label("host link"), link.secret());
}

function guestSecrets(link: Link): { linkSecret: Uint8Array; hostKeyHash: Uint8Array } {
  if (!link.host) return { linkSecret: link.secret().slice(0, 32), hostKeyHash: link.secret().slice(32) };
  const root = hostRoot(link);
  const hostPub = ed25519.publicKey(expandKey(root, "host ed25519", NONE, 32));
  return { linkSecret: expandKey(root, "link secret", NONE, 32), hostKeyHash: hostKeyHash(hostPub) };
}
