/**
 * Keeps the screen awake while it is wanted. The browser takes the lock away whenever the page goes into the
 * background, so it is asked for again at each return. Where there is no such thing, or the system refuses (an empty
 * battery), the screen does what it always does.
 */
export class ScreenLock {
  readonly #document: Document;
  readonly #lifetime = new AbortController();
  #wanted = false;
  #lock: WakeLockSentinel | null = null;
  #asking = false;

  constructor(document: Document) {
    this.#document = document;
    document.addEventListener("visibilitychange", () => void this.#follow(), { signal: this.#lifetime.signal });
  }

  want(wanted: boolean): void {
    if (wanted === this.#wanted) return;
    this.#wanted = wanted;
    void this.#follow();
  }

  close(): void {
    this.want(false);
    this.#lifetime.abort();
  }

  async #follow(): Promise<void> {
    if (!this.#wanted) {
      const lock = this.#lock;
      this.#lock = null;
      return lock?.release();
    }
    const held = this.#lock !== null && !this.#lock.released;
    if (held || this.#asking || this.#document.visibilityState !== "visible" || !("wakeLock" in navigator)) return;
    this.#asking = true;
    try {
      this.#lock = await navigator.wakeLock.request("screen");
    } catch {
      this.#lock = null;
    }
    this.#asking = false;
    if (!this.#wanted) await this.#follow(); // the call ended meanwhile
  }
}
