import { createSubscriber } from "svelte/reactivity";

/** Whether this device has a network at all, as far as the browser knows. */
export class Online {
  readonly #subscribe = createSubscriber((update) => {
    const lifetime = new AbortController();
    addEventListener("online", update, { signal: lifetime.signal });
    addEventListener("offline", update, { signal: lifetime.signal });
    return () => lifetime.abort();
  });

  get now(): boolean {
    this.#subscribe();
    return navigator.onLine;
  }
}
