import type { Server } from "../protocol/messages.gen.ts";

// The native client has the same rule (peer/server.go).

/** Of RFC 7064 and RFC 7065, and nothing else that a URL may be: the browser throws on what it does not take for one. */
const URL_FORM = /^(?:stun|turns?):(\[[0-9a-f:.]+\]|[0-9a-z.-]+)(?::[0-9]{1,5})?(?:\?transport=(?:udp|tcp))?$/i;
/** A server of good will has four at most. */
const LIMIT_URLS = 8;

/**
 * The STUN and TURN servers at the host of the link. Any other would be somebody else's machine, or one of this
 * network, that a hostile server wants us to send packets to: before the host is proven even.
 */
export function ownServers(servers: readonly Server[], origin: string): Server[] {
  const { hostname } = new URL(origin);
  let left = LIMIT_URLS;
  const own = (url: string) => URL_FORM.exec(url)?.[1]?.toLowerCase() === hostname && left-- > 0;
  return servers.map((s) => ({ ...s, urls: s.urls.filter(own) })).filter((s) => s.urls.length > 0);
}

const BURST = 4;
const EVERY_MS = 5_000;

/** How often relay credentials are taken: each time makes a host that waits gather again. */
export class Ration {
  #left = BURST;
  #at = -Infinity;

  /** False for what comes faster than a server of good will sends it. */
  take(now: number): boolean {
    this.#left = Math.min(BURST, this.#left + Math.max(0, now - this.#at) / EVERY_MS);
    this.#at = now;
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}
