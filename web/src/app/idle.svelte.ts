/** How long a mouse rests before the bar fades. */
const idleAfterMs = 3000;

/**
 * True when a mouse has come to rest. Only a moving mouse arms it: a key press, a
 * touch or a screen reader's click keep everything in sight.
 */
export class Idle {
  #idle = $state(false);
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #lifetime = new AbortController();

  constructor(target: EventTarget) {
    const options = { signal: this.#lifetime.signal, capture: true, passive: true };
    target.addEventListener("pointermove", (e) => this.#moved(e as PointerEvent), options);
    for (const type of ["pointerdown", "keydown", "focusin"]) {
      target.addEventListener(type, () => this.#wake(), options);
    }
  }

  get idle(): boolean {
    return this.#idle;
  }

  close(): void {
    this.#lifetime.abort();
    clearTimeout(this.#timer);
  }

  #moved(e: PointerEvent): void {
    this.#wake();
    if (e.pointerType === "mouse") this.#timer = setTimeout(() => (this.#idle = true), idleAfterMs);
  }

  #wake(): void {
    clearTimeout(this.#timer);
    this.#idle = false;
  }
}
