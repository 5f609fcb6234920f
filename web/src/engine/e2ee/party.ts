import { type Caps, capsForLink, encodeCaps } from "./caps.ts";
import { deriveLink, type LinkKeys } from "./derive.ts";
import { type Link, type RandomSource, secureRandom } from "./link.ts";

/** What either machine is built from. */
export interface PartyConfig {
  readonly link: Link;
  /** From `stretchPassword`; absent or empty if there is none (yet). */
  readonly password?: Uint8Array;
  readonly caps: Caps;
  readonly random?: RandomSource;
}

/** What one side brings to every handshake of a call. */
export interface Party {
  readonly keys: LinkKeys;
  /** Stretched, or empty. */
  readonly password: Uint8Array;
  readonly caps: Caps;
  /** The same as they go into the transcript. */
  readonly capsBytes: Uint8Array;
  readonly random: RandomSource;
}

/** E_POLICY if the link demands what the caps cannot do. */
export function partyFrom(config: PartyConfig): Party {
  const caps = capsForLink(config.link, config.caps);
  return {
    keys: deriveLink(config.link),
    password: config.password ?? new Uint8Array(0),
    caps,
    capsBytes: encodeCaps(caps),
    random: config.random ?? secureRandom,
  };
}
