import type { Effect } from "./e2ee/effects.ts";
import { Scope } from "./scope.ts";

/** What the two protocol machines have in common. */
interface Machine {
  tick(now: number): void;
  deadline(): number | null;
  drain(): Effect[];
}

/**
 * Runs a protocol machine: gives it the time, carries out its effects in the
 * order it asked for them (a nested call must not overtake: frames are numbered),
 * and wakes it at its deadline.
 */
export class Pump<M extends Machine> {
  readonly #machine: M;
  readonly #handle: (effect: Effect) => void;
  readonly #scope = new Scope();
  readonly #queue: Effect[] = [];
  #busy = false;
  #cancelTimer: (() => void) | null = null;

  constructor(machine: M, handle: (effect: Effect) => void) {
    this.#machine = machine;
    this.#handle = handle;
  }

  get machine(): M {
    return this.#machine;
  }

  run(act: (machine: M, now: number) => void): void {
    if (this.#scope.closed) return;
    act(this.#machine, Date.now());
    this.#queue.push(...this.#machine.drain());
    if (this.#busy) return;
    this.#busy = true;
    try {
      for (let e = this.#queue.shift(); e; e = this.#queue.shift()) this.#handle(e);
    } finally {
      this.#busy = false;
    }
    this.#arm();
  }

  close(): void {
    this.#scope.close();
    this.#queue.length = 0;
  }

  #arm(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    const at = this.#machine.deadline();
    if (at === null) return;
    this.#cancelTimer = this.#scope.timeout(() => this.run((m, now) => m.tick(now)), Math.max(0, at - Date.now()));
  }
}
