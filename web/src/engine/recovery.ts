import type { Negotiation } from "./negotiation.ts";
import { Scope } from "./scope.ts";

/**
 * The guest lets the host go first, by as much as their offers would need to cross: if both have noticed, one of the two
 * would be in vain.
 */
const HEAD_START_MS = { host: 0, guest: 200 } as const;
/** A first connection over a slow network takes its time; a restart would only put it back. */
const CONNECT_MS = { host: 5_000, guest: 9_000 } as const;
/** Between two restarts, and for all that follow the last of these: sooner, each would undo what the one before has begun. */
const WAIT_MS = [2_000, 3_000, 4_000, 8_000, 12_000] as const;
/** Two reasons to restart that come this close together are one. */
const SAME_MS = 300;
/** After this long without media the call is over. */
const GIVE_UP_MS = 60_000;

/**
 * Brings lost media back: restarts ICE at once and then now and again until media flows or a minute has passed.
 * RTCPeerConnection itself never restarts anything. Every restart gathers on all interfaces there are at that moment.
 */
export class Recovery {
  readonly #role: "host" | "guest";
  readonly #giveUp: () => void;
  readonly #rescue: () => void;
  readonly #negotiation: () => Negotiation | null;
  #scope: Scope | null = null;
  #cancelNext: (() => void) | null = null;
  #first = false;
  #restarts = 0;
  #restartedAt = -Infinity;
  #theirsAt = -Infinity;

  /** `rescue`: called with each restart of what was connected once. */
  constructor(
    role: "host" | "guest",
    negotiation: () => Negotiation | null,
    giveUp: () => void,
    rescue: () => void = () => {},
  ) {
    this.#role = role;
    this.#negotiation = negotiation;
    this.#giveUp = giveUp;
    this.#rescue = rescue;
  }

  /** The first connection of a conversation is being made. */
  connect(): void {
    this.#first = true;
    this.#begin(CONNECT_MS[this.#role]);
  }

  /** Media is lost. Again while it already is: nothing new. */
  begin(): void {
    this.#first = false;
    this.#begin(HEAD_START_MS[this.#role]);
  }

  /** If media is lost: there is a new way to try, or the other side can be told again. Now rather than later. */
  hurry(): void {
    if (!this.#scope || this.#restarts === 0 || performance.now() - this.#restartedAt < SAME_MS) return;
    this.#restarts = 0;
    this.#restart(this.#scope);
  }

  /** The other side has restarted: what it offers is as good as what we would, and gets its time. */
  theirs(): void {
    this.#theirsAt = performance.now();
    if (this.#scope) this.#wait(this.#scope);
  }

  /** Media is back, or the call over. */
  end(): void {
    this.#scope?.close();
    this.#scope = this.#cancelNext = null;
  }

  #begin(firstMs: number): void {
    if (this.#scope) return;
    const scope = (this.#scope = new Scope());
    this.#restarts = 0;
    scope.timeout(this.#giveUp, GIVE_UP_MS);
    // They have noticed before we did.
    if (performance.now() - this.#theirsAt < WAIT_MS[0]) this.#wait(scope);
    else if (firstMs === 0) this.#restart(scope);
    else this.#cancelNext = scope.timeout(() => this.#restart(scope), firstMs);
  }

  #restart(scope: Scope): void {
    this.#restartedAt = performance.now();
    const negotiation = this.#negotiation();
    // Later the browser goes on calling "connected" what is dead; at first it is right.
    if (negotiation && !(this.#first && negotiation.connected)) negotiation.restart();
    if (!this.#first) this.#rescue();
    this.#wait(scope);
  }

  #wait(scope: Scope): void {
    this.#cancelNext?.();
    const again = (WAIT_MS[Math.min(this.#restarts++, WAIT_MS.length - 1)] ?? 0) + HEAD_START_MS[this.#role];
    this.#cancelNext = scope.timeout(() => this.#restart(scope), this.#first ? CONNECT_MS[this.#role] : again);
  }
}
