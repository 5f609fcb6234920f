import type { Area } from "./store.ts";

const key = "visavis.link";

/**
 * The link this tab is about. A link's fragment is a secret: it is read from the address once, taken out of it, and
 * kept for this tab only, so that a reload finds the call again but history and bookmarks never see it.
 */
export class TabLink {
  readonly #area: Area;
  /** A call is going on in this tab: no other link takes its place. */
  inCall = false;

  constructor(area: Area) {
    this.#area = area;
  }

  /** Moves the fragment of the address, if any, into this tab's storage; in a call it only takes it away. */
  capture(location: Location, history: History): "none" | "taken" | "refused" {
    if (location.hash.length < 2) return "none";
    const fragment = location.hash.slice(1);
    history.replaceState(history.state, "", location.pathname + location.search);
    if (this.inCall) return "refused";
    this.set(fragment);
    return "taken";
  }

  /** The fragment as it came, not validated; null when the page was opened without one. */
  get(): string | null {
    return this.#area.getItem(key);
  }

  set(fragment: string): void {
    this.#area.setItem(key, fragment);
  }

  clear(): void {
    this.#area.removeItem(key);
  }
}
