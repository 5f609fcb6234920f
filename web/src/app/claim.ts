/** A page that is just going away, as on a reload, gives its call back within this time. */
const PATIENCE_MS = 1_000;

/** Whether this tab has a host's call, so that a second tab of the same browser asks before it takes the call over. */
export class Claim {
  readonly #name: string;
  #release: (() => void) | null = null;

  constructor(callId: string) {
    this.#name = `visavis.call.${callId}`;
  }

  /** False: another tab has the call. With `steal` it loses it. */
  async take(steal: boolean): Promise<boolean> {
    const { locks } = navigator;
    if (!locks) return true; // no https, no locks; the server still lets one host in only
    if (steal) return this.#request(locks, { steal });
    // Patience begins when the lock is known to be held: a free one may be slow to come on a busy machine.
    if (await this.#request(locks, { ifAvailable: true })) return true;
    return this.#request(locks, { signal: AbortSignal.timeout(PATIENCE_MS) });
  }

  #request(locks: LockManager, options: LockOptions): Promise<boolean> {
    return new Promise((resolve) => {
      const held = (lock: Lock | null) => {
        resolve(lock !== null);
        return lock && new Promise<void>((done) => (this.#release = done));
      };
      locks.request(this.#name, options, held).catch(() => resolve(false));
    });
  }

  release(): void {
    this.#release?.();
    this.#release = null;
  }
}
