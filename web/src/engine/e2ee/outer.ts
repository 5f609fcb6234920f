/**
 * Outer frames: what the relay carries. Their keys follow from the link, so the
 * server cannot read them, but anyone with the link can make them: they prove
 * nothing else.
 *
 *   cid (16) || counter (8) || AES-256-GCM(padded)
 */
import { gcm } from "@noble/ciphers/aes.js";
import type { LinkKeys } from "./derive.ts";
import { concat, equal, prependLen, readField, readU64, u64 } from "./encode.ts";
import { E2EEError } from "./errors.ts";
import { nonce } from "./frames.ts";
import { expandKey, label } from "./kdf.ts";
import type { LinkRole } from "./link.ts";

const CID_BYTES = 16;
/** How many bad frames end a connection. */
const LIMIT_VIOLATIONS = 3;
const HEADER_BYTES = CID_BYTES + 8;
/** Sizes that show on the wire, so that the relay learns little from lengths. */
const SIZES = [512, 2048, 8192, 32_768, 65_000] as const;

/** Pads to the next size; E_SIZE above the largest. */
export function pad(inner: Uint8Array): Uint8Array {
  const body = prependLen(inner);
  const size = SIZES.find((s) => s >= body.length);
  if (size === undefined) throw new E2EEError("E_SIZE");
  const out = new Uint8Array(size);
  out.set(body);
  return out;
}

function unpad(padded: Uint8Array): Uint8Array {
  const { field, rest } = readField(padded);
  if (field.length === 0) throw new E2EEError("E_OUTER", "empty");
  const used = padded.length - rest.length;
  if (SIZES.find((s) => s >= used) !== padded.length || rest.some((b) => b !== 0))
    throw new E2EEError("E_OUTER", "padding");
  return field;
}

function direction(sender: LinkRole): string {
  return sender === "guest" ? "outer g2h" : "outer h2g";
}

/**
 * Seals what one connection of ours sends. There is one key per connection id,
 * so there is one counter per connection: a host shares it among all slots.
 */
export class OuterSealer {
  readonly #key: Uint8Array;
  readonly #aad: Uint8Array;
  readonly #cid: Uint8Array;
  #counter = 0;

  constructor(keys: LinkKeys, role: LinkRole, cid: Uint8Array) {
    this.#key = expandKey(keys.outer, direction(role), cid, 32);
    this.#aad = concat(label(direction(role)), keys.callId, cid);
    this.#cid = cid;
  }

  get cid(): Uint8Array {
    return this.#cid;
  }

  seal(inner: Uint8Array): Uint8Array {
    const padded = pad(inner);
    const counter = this.#counter++;
    const sealed = gcm(this.#key, nonce(counter), concat(this.#aad, u64(counter))).encrypt(padded);
    return concat(this.#cid, u64(counter), sealed);
  }
}

/** Connections that are remembered. */
const LIMIT_REMEMBERED = 64;

/**
 * Keeps the openers of connections that were announced before. A server that announces one again, after "gone" or on
 * another connection of ours, must not make its old frames acceptable: replayed M1 and M3 would count as a wrong password.
 */
export class OuterMemory {
  readonly #known: OuterOpener[] = [];

  /** The opener of a connection, the same one for the same id. */
  of(keys: LinkKeys, sender: LinkRole, cid: Uint8Array): OuterOpener {
    const known = this.#known.find((o) => equal(o.cid, cid));
    if (known) return known;
    const opener = new OuterOpener(keys, sender, cid);
    if (this.#known.length === LIMIT_REMEMBERED) this.#known.shift();
    this.#known.push(opener);
    return opener;
  }
}

/**
 * Opens what a peer's connection sends. Counters only grow; they may skip,
 * because a host's counter also counts what it sends to other guests.
 */
export class OuterOpener {
  readonly #key: Uint8Array;
  readonly #aad: Uint8Array;
  readonly #cid: Uint8Array;
  #last = -1;
  #violations = 0;

  constructor(keys: LinkKeys, sender: LinkRole, cid: Uint8Array) {
    this.#key = expandKey(keys.outer, direction(sender), cid, 32);
    this.#aad = concat(label(direction(sender)), keys.callId, cid);
    this.#cid = cid;
  }

  get cid(): Uint8Array {
    return this.#cid;
  }

  /** Null for whatever is not a new frame of this peer; E_OUTER when that is one too many. */
  receive(frame: Uint8Array): Uint8Array | null {
    try {
      return this.open(frame);
    } catch (e) {
      if (++this.#violations >= LIMIT_VIOLATIONS) throw e;
      return null;
    }
  }

  /** E_OUTER for whatever is not a new frame of this peer. */
  open(frame: Uint8Array): Uint8Array {
    if (frame.length < HEADER_BYTES || !equal(frame.subarray(0, CID_BYTES), this.#cid)) throw new E2EEError("E_OUTER");
    try {
      const counter = readU64(frame, CID_BYTES);
      if (counter <= this.#last) throw new E2EEError("E_OUTER", "counter");
      const aad = concat(this.#aad, frame.subarray(CID_BYTES, HEADER_BYTES));
      const inner = unpad(gcm(this.#key, nonce(counter), aad).decrypt(frame.subarray(HEADER_BYTES)));
      this.#last = counter;
      return inner;
    } catch {
      throw new E2EEError("E_OUTER");
    }
  }
}
