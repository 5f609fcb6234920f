import type { FileItem } from "../engine/types.ts";

/**
 * Received files live in their page and nowhere else: as long as one was not saved, the browser asks before it closes or
 * reloads the page. Otherwise nothing listens, since that keeps a page out of the back/forward cache.
 */
export class Unsaved {
  readonly #page: EventTarget;
  readonly #saved = new Set<string>();
  #listening: AbortController | null = null;

  constructor(page: EventTarget) {
    this.#page = page;
  }

  /** What there is now. */
  look(files: readonly FileItem[]): void {
    const some = files.some(({ id, blob }) => blob !== null && !this.#saved.has(id));
    if (some === (this.#listening !== null)) return;
    if (!some) return this.close();
    this.#listening = new AbortController();
    const { signal } = this.#listening;
    this.#page.addEventListener("beforeunload", (event) => event.preventDefault(), { signal });
  }

  saved(id: string): void {
    this.#saved.add(id);
  }

  close(): void {
    this.#listening?.abort();
    this.#listening = null;
  }
}
