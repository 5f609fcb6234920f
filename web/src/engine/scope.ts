/**
 * Owns what must not outlive its owner: timers, listeners, children. Closing
 * undoes everything in reverse order, once; what is added later is undone at once.
 */
export class Scope {
  readonly #undo = new Set<() => void>();
  #closed = false;

  get closed(): boolean {
    return this.#closed;
  }

  /** Runs `undo` when the scope closes. The returned function runs it now instead. */
  add(undo: () => void): () => void {
    if (this.#closed) {
      undo();
      return () => undefined;
    }
    this.#undo.add(undo);
    return () => {
      if (this.#undo.delete(undo)) undo();
    };
  }

  timeout(run: () => void, ms: number): () => void {
    const id = setTimeout(() => {
      cancel();
      run();
    }, ms);
    const cancel = this.add(() => clearTimeout(id));
    return cancel;
  }

  interval(run: () => void, ms: number): () => void {
    const id = setInterval(run, ms);
    return this.add(() => clearInterval(id));
  }

  listen(target: EventTarget, type: string, listener: (event: Event) => void): () => void {
    target.addEventListener(type, listener);
    return this.add(() => target.removeEventListener(type, listener));
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const undo of [...this.#undo].reverse()) undo();
    this.#undo.clear();
  }
}
