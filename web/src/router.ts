import { createSubscriber } from "svelte/reactivity";

const routes = { "/": "home", "/new": "new", "/c": "call", "/test": "test" } as const;

export type RouteName = (typeof routes)[keyof typeof routes] | "not-found";

/** Which page a path is. The fragment is a secret and plays no part. */
export function routeOf(pathname: string): RouteName {
  const path = pathname.length > 1 ? pathname.replace(/\/+$/, "") : pathname;
  return (routes as Record<string, RouteName>)[path || "/"] ?? "not-found";
}

/** The page shown, from the address. Links within the app are taken over; everything else is left to the browser. */
export class Router {
  readonly #lifetime = new AbortController();
  readonly #listeners = new Set<() => void>();
  readonly #subscribe: () => void;
  #serial = 0;

  constructor() {
    this.#subscribe = createSubscriber((update) => {
      this.#listeners.add(update);
      return () => this.#listeners.delete(update);
    });
    const { signal } = this.#lifetime;
    // A change of the fragment comes here too; it is for whoever reads links.
    addEventListener("popstate", () => location.hash === "" && this.#changed(), { signal });
    document.addEventListener("click", (event) => this.#clicked(event), { signal });
  }

  get route(): RouteName {
    this.#subscribe();
    return routeOf(location.pathname);
  }

  /** Counts navigations, so that opening the page one is on starts it afresh. */
  get serial(): number {
    this.#subscribe();
    return this.#serial;
  }

  /** `state` survives a reload and must not be secret: browsers write it to disk. */
  go(path: "/" | "/new" | "/c" | "/test", mode: "push" | "replace" = "push", state: unknown = null): void {
    history[mode === "push" ? "pushState" : "replaceState"](state, "", path);
    this.#changed();
    scrollTo(0, 0);
  }

  close(): void {
    this.#lifetime.abort();
    this.#listeners.clear();
  }

  #changed(): void {
    this.#serial++;
    for (const listener of [...this.#listeners]) listener();
  }

  #clicked(event: MouseEvent): void {
    const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (event.defaultPrevented || !plain || !(event.target instanceof Element)) return;
    const link = event.target.closest("a");
    if (!link || link.target || link.download || link.origin !== location.origin || link.hash) return;
    if (routeOf(link.pathname) === "not-found") return;
    event.preventDefault();
    this.go(link.pathname as "/");
  }
}
