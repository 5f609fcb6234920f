import { codeOf } from "../engine/e2ee/errors.ts";
import { parseFragment, parseUrl } from "../engine/e2ee/link.ts";
import type { CallRecord } from "../storage/calls.ts";

/** What somebody pasted into "open a link". */
export type PastedLink =
  | { readonly kind: "empty" }
  | { readonly kind: "guest"; readonly fragment: string }
  | { readonly kind: "host"; readonly fragment: string }
  | { readonly kind: "own"; readonly call: CallRecord } // the guest link of a call this device hosts
  | { readonly kind: "elsewhere"; readonly url: string; readonly host: string }
  | { readonly kind: "no-secret" } // an address without the part after the #
  | { readonly kind: "version" }
  | { readonly kind: "malformed" };

const shortest = 47; // characters of a host link's fragment, the shorter kind

/**
 * Reads a pasted link, or the code after its #. Mail programs wrap long lines and people copy a dot or a bracket along:
 * white space goes, and so does what cannot be part of a link.
 */
export function readPasted(text: string, origin: string, calls: readonly CallRecord[]): PastedLink {
  const bare = text.replace(/\s+/g, "").replace(/^[<("'«“]+|[>)"'»”.,;]+$/g, "");
  if (bare === "") return { kind: "empty" };
  try {
    if (!/^https?:/i.test(bare)) return place(bare, calls);
    if (!URL.canParse(bare)) return { kind: "malformed" };
    const url = new URL(bare);
    if (url.pathname === "/c" && url.hash.length < 2) return { kind: "no-secret" };
    const { origin: home } = parseUrl(bare);
    if (home !== origin) return { kind: "elsewhere", url: bare, host: url.host };
    return place(url.hash, calls);
  } catch (error) {
    // Any word that begins with g or h reads as a link of some version; a real one is long.
    const long = bare.slice(bare.indexOf("#") + 1).length >= shortest;
    return { kind: long && codeOf(error) === "E_VERSION" ? "version" : "malformed" };
  }
}

function place(code: string, calls: readonly CallRecord[]): PastedLink {
  const link = parseFragment(code);
  const fragment = link.fragment();
  if (link.host) return { kind: "host", fragment };
  const own = calls.find((call) => call.role === "host" && call.guest === fragment);
  return own ? { kind: "own", call: own } : { kind: "guest", fragment };
}
