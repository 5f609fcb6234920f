import { LimitBeatMS } from "../protocol/sealed.gen.ts";
import { Scope } from "./scope.ts";

/** How often the traffic is looked at. A look costs the browser about 1 ms. */
export const LOOK_MS = 100;
/** Something of ours arrives at the other side at least this often, media or not. */
export const BEAT_MS = 300;
/** A hidden page's timers run once a second (Chromium and Firefox); media does not depend on them. */
const HIDDEN_LOOK_MS = 1_000;
const HIDDEN_BEAT_MS = 1_500;
/** A look that comes later than this was kept waiting by this machine: the time says nothing about the path. */
const LATE = 2;
/**
 * How much silence is alarming. Two beats in a row may be lost or late: 800 ms with {@link BEAT_MS}. Less if what comes
 * has not paused for long lately, as media does not.
 */
const allowedOf = (promise: number, pause: number) => Math.min(2 * promise + 200, 300 + 2 * Math.max(pause, LOOK_MS));
/** For how long a pause is remembered, at least. */
const MEMORY_MS = 10_000;
/** After this much of a connection its pauses are known. */
const ACQUAINTED_MS = 2_000;
/** After a sign that the network has changed, one beat that is late is enough. */
const suspiciousOf = (promise: number) => promise + 150;
const SUSPICION_MS = 3_000;
/** Without a promise: even a mere receiver reports once a second. */
const UNPROMISED_MS = 3_000;
/** After an alarm that was none, silence may be twice as long, and as long as this, for this long. */
const PATIENT_MS = 1_500;
const PATIENCE_MS = 30_000;

/** Pauses of a connection that nothing is known of yet. */
const strangers = () => ({ now: 0, before: Infinity, since: performance.now() - MEMORY_MS + ACQUAINTED_MS });

/** One look at the transport. Bytes are totals of the connection. */
export interface Traffic {
  readonly received: number;
  readonly sent: number;
  readonly pair: string; // the selected candidate pair
}

export interface PulseConfig {
  /** Null while there is no bound connection. */
  look(): Promise<Traffic | null>;
  /** Tells the other side how soon it will hear from us again. */
  beat(ms: number): void;
  /** The other side says that it sends something: for one that makes no promises. */
  sending(): boolean;
  /** The page is in the background: its timers are few. */
  throttled(): boolean;
  /** Nothing has come for longer than it should. */
  silent(): void;
  /** Something comes again. */
  heard(): void;
}

/**
 * Feels whether the other party is there, by what arrives and by nothing else: the browser says "disconnected" seven
 * seconds after a path has died, and "failed" after seventeen. So that a muted party is not taken for a dead path, both
 * promise by beats how soon they will be heard, and say something when they have sent nothing else.
 */
export class Pulse {
  readonly #config: PulseConfig;
  readonly #scope = new Scope();
  #last: Traffic | null = null;
  #lookedAt = 0;
  #looking = false;
  #quietMs = 0; // nothing came, as far as this machine was awake to notice
  #mute = 0; // ms since we sent something
  #promise: number | null = null; // theirs
  #promised: number | null = null; // ours
  #pairAtSilence: string | null = null; // not null: silent
  /** The longest pauses of late, by this and by the last stretch of {@link MEMORY_MS}. */
  #pauses = strangers();
  #suspectUntil = 0;
  #patientUntil = 0;

  constructor(config: PulseConfig) {
    this.#config = config;
    this.#scope.interval(() => void this.#look(), LOOK_MS);
  }

  get silent(): boolean {
    return this.#pairAtSilence !== null;
  }

  /** Another connection. With the same page at its other end what that has promised still holds. */
  renew(same = false): void {
    if (!same) this.#promise = null;
    this.#promised = this.#last = null;
    this.#quietMs = 0;
    this.#pairAtSilence = null;
    this.#pauses = strangers();
  }

  /** The other side has promised to be heard within `ms`. */
  promised(ms: number): void {
    this.#promise = Math.min(Math.max(ms, BEAT_MS), LimitBeatMS);
  }

  /** The network has changed, or the server has fallen silent: look closer for a while. */
  suspect(): void {
    this.#suspectUntil = performance.now() + SUSPICION_MS;
  }

  close(): void {
    this.#scope.close();
  }

  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      const traffic = await this.#config.look();
      if (!this.#scope.closed) this.#compare(traffic, performance.now());
    } finally {
      this.#looking = false;
    }
  }

  #compare(traffic: Traffic | null, now: number): void {
    const before = this.#last;
    const passed = now - this.#lookedAt;
    this.#last = traffic;
    this.#lookedAt = now;
    if (!traffic) return;
    this.#keepPromise(traffic.sent !== before?.sent, passed);
    if (!before) return;
    if (traffic.received !== before.received) return this.#heard(traffic, now);
    const awake = LATE * (this.#config.throttled() ? HIDDEN_LOOK_MS : LOOK_MS);
    this.#quietMs += Math.min(passed, awake);
    if (this.silent || this.#quietMs < this.#allowed(now)) return;
    this.#pairAtSilence = traffic.pair;
    this.#config.silent();
  }

  #keepPromise(sent: boolean, passed: number): void {
    const ms = this.#config.throttled() ? HIDDEN_BEAT_MS : BEAT_MS;
    this.#mute = sent ? 0 : this.#mute + passed;
    // One look early: it takes its time to get there.
    if (ms === this.#promised && this.#mute < ms - LOOK_MS) return;
    this.#mute = 0;
    this.#promised = ms;
    this.#config.beat(ms);
  }

  #heard(traffic: Traffic, now: number): void {
    const quietMs = this.#quietMs;
    this.#quietMs = 0;
    if (now - this.#pauses.since > MEMORY_MS) this.#pauses = { now: 0, before: this.#pauses.now, since: now };
    if (this.#pairAtSilence === null) {
      this.#pauses.now = Math.max(this.#pauses.now, quietMs);
      return;
    }
    // By the old path: it was not dead.
    if (traffic.pair === this.#pairAtSilence) this.#patientUntil = now + PATIENCE_MS;
    this.#pairAtSilence = null;
    this.#config.heard();
  }

  #allowed(now: number): number {
    const promise = this.#promise;
    if (promise === null) return this.#config.sending() ? UNPROMISED_MS : Infinity;
    const pause = Math.max(this.#pauses.now, this.#pauses.before);
    const allowed = now < this.#suspectUntil ? suspiciousOf(promise) : allowedOf(promise, pause);
    return now < this.#patientUntil ? Math.max(2 * allowed, PATIENT_MS) : allowed;
  }
}
