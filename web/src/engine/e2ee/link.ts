/**
 * Links: what one person sends the other. Reading and writing them needs no
 * cryptography, so this module may be loaded before first paint; the keys that
 * follow from a link are in derive.ts.
 */
import { concat, fromBase64Url, toBase64Url } from "./encode.ts";
import { E2EEError } from "./errors.ts";

const VERSION = 0x01;
const SEED_BYTES = 32; // host link: HS
const GUEST_BYTES = 32 + 16; // guest link: link secret, host key hash

/** Hints for the user interface; what really holds is in the host's signed caps. */
export const FlagPassword = 1;
export const FlagSFrameRequired = 2;
export const FlagRelayOnly = 4;
export const FlagRecordingMandatory = 8;

export type LinkRole = "host" | "guest";

/** Fills with random bytes; `secureRandom` outside tests. */
export type RandomSource = (length: number) => Uint8Array;

export function secureRandom(length: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(length));
}

/** A host or guest link. The secret is private, so that a link in a log shows nothing. */
export class Link {
  readonly role: LinkRole;
  readonly flags: number;
  readonly #secret: Uint8Array;

  /** secret: the 32-byte seed of a host link; link secret and host key hash (48 bytes) of a guest link. */
  constructor(role: LinkRole, flags: number, secret: Uint8Array) {
    if (secret.length !== (role === "host" ? SEED_BYTES : GUEST_BYTES))
      throw new E2EEError("E_PARSE", "link of wrong length");
    if ((flags & ~0x0f) !== 0) throw new E2EEError("E_PARSE", "unknown link flags");
    this.role = role;
    this.flags = flags;
    this.#secret = secret;
  }

  get host(): boolean {
    return this.role === "host";
  }

  get hasPassword(): boolean {
    return (this.flags & FlagPassword) !== 0;
  }

  /** The secret bytes, for key derivation only. */
  secret(): Uint8Array {
    return this.#secret;
  }

  /** What stands after the # in the URL. */
  fragment(): string {
    const letter = this.role === "host" ? "h" : "g";
    return letter + toBase64Url(concat(Uint8Array.of(VERSION, this.flags), this.#secret));
  }

  url(origin: string): string {
    return `${origin}/c#${this.fragment()}`;
  }
}

/** A new host link. */
export function newLink(random: RandomSource, flags: number): Link {
  return new Link("host", flags, random(SEED_BYTES));
}

/** Reads "h…" or "g…", with or without the leading #. E_PARSE, E_VERSION. */
export function parseFragment(s: string): Link {
  const text = s.startsWith("#") ? s.slice(1) : s;
  const role = text.startsWith("h") ? "host" : text.startsWith("g") ? "guest" : null;
  if (role === null) throw new E2EEError("E_PARSE", "not a call link");
  const body = fromBase64Url(text.slice(1));
  // Version before length: a link of a later version may well be longer.
  if (body.length < 2) throw new E2EEError("E_PARSE", "link is cut off");
  if (body[0] !== VERSION) throw new E2EEError("E_VERSION", `link version ${body[0]}`);
  return new Link(role, body[1] ?? 0, body.slice(2));
}

/** Reads https://HOST/c#g…; the origin is what the link's server goes by. E_PARSE, E_VERSION. */
export function parseUrl(s: string): { origin: string; link: Link } {
  if (!URL.canParse(s.trim())) throw new E2EEError("E_PARSE", "not a URL");
  const url = new URL(s.trim());
  const web = url.protocol === "https:" || url.protocol === "http:";
  if (!web || url.pathname !== "/c" || url.search !== "" || url.username !== "" || url.password !== "") {
    throw new E2EEError("E_PARSE", "not a call link");
  }
  return { origin: url.origin, link: parseFragment(url.hash) };
}
