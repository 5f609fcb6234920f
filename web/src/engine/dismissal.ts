import type { LastWord } from "./parting.ts";
import { Scope } from "./scope.ts";

/** How long lost media may take to come back when no server helps with it. */
const ALONE_MS = 10_000;

/**
 * A call that goes on after the server's last word, until its media ends, too. When the other side closes the connection
 * that is at once: so does a guest whose host is on another page now. It is said under DTLS, so the server cannot say it.
 */
export class Dismissal {
  readonly word: LastWord;
  readonly #end: (word: LastWord) => void;
  readonly #scope = new Scope();
  #cancel: (() => void) | null = null;

  constructor(word: LastWord, end: (word: LastWord) => void) {
    this.word = word;
    this.#end = end;
  }

  /** Media is lost; `left`: the other side has closed the connection. */
  lost(left: boolean): void {
    if (this.#scope.closed) return;
    if (left) this.#over();
    else this.#cancel ??= this.#scope.timeout(() => this.#over(), ALONE_MS);
  }

  /** Media flows again. */
  flowing(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  close(): void {
    this.#scope.close();
  }

  #over(): void {
    this.close();
    this.#end(this.word);
  }
}
