import type { Locale } from "./choose.ts";
import { getTextDirection, overwriteGetLocale } from "./paraglide/runtime.js";

/**
 * The language of the page. Messages read it through the compiled runtime, so a change re-renders every text in place:
 * a call goes on while its language changes.
 */
export class Language {
  #current = $state<Locale>("en");
  readonly #root: HTMLElement;

  constructor(initial: Locale, root: HTMLElement) {
    this.#current = initial;
    this.#root = root;
    overwriteGetLocale(() => this.#current);
    this.#apply();
  }

  get current(): Locale {
    return this.#current;
  }

  set(locale: Locale): void {
    this.#current = locale;
    this.#apply();
  }

  #apply(): void {
    this.#root.lang = this.#current;
    this.#root.dir = getTextDirection(this.#current);
  }
}
