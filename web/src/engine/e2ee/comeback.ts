import type { Outbox } from "./outbox.ts";
import { renewalDue, resumable, RESUME_LIFETIME_MS, type ResumeState } from "./resume.ts";
import type { Session } from "./session.ts";

const COME_BACK_MS = 60_000;

/** What a guest needs to come back into its session, and how long it tries. */
export class Comeback {
  readonly #outbox: Outbox;
  #state: ResumeState | null;
  #session: Session | null = null; // while it lives, the state's life is renewed
  #by: number | null = null;

  constructor(outbox: Outbox, state: ResumeState | null) {
    this.#outbox = outbox;
    this.#state = state;
  }

  /** The state to offer in an M1. */
  usable(now: number): ResumeState | null {
    if (this.#state !== null && !resumable(this.#state, now)) this.#store(null);
    return this.#state;
  }

  /** A session began: what came before has served. */
  began(session: Session, now: number): void {
    this.#session = session;
    this.#by = null;
    this.#store(session.resumeState(session.verified, now));
  }

  verified(match: boolean): void {
    if (this.#session !== null && this.#state !== null) this.#store({ ...this.#state, verified: match });
  }

  /** The connection is lost, and with it the session. A guest who was admitted has a minute to come back. */
  lost(admitted: boolean, now: number): void {
    if (this.#session === null) return;
    this.#renew(this.#session, now);
    this.#session = null;
    if (admitted) this.#by = now + COME_BACK_MS;
  }

  /** The host was heard over the media connection: the session lives, even if the server does not. */
  alive(now: number): void {
    if (this.#state !== null && now >= renewalDue(this.#state)) {
      this.#store({ ...this.#state, expires: now + RESUME_LIFETIME_MS });
    }
  }

  /** The session went wrong. It may still be resumed. */
  failed(): void {
    this.#session = null;
    this.#by = null;
  }

  /** There is nothing to come back to. */
  forget(): void {
    this.failed();
    if (this.#state !== null) this.#store(null);
  }

  /** True if the time to come back is over. */
  tick(now: number): boolean {
    if (this.#session !== null && this.#state !== null && now >= renewalDue(this.#state))
      this.#renew(this.#session, now);
    return this.#by !== null && now >= this.#by;
  }

  /** When to call `tick` next; Infinity for never. */
  deadline(): number {
    const renewal = this.#session !== null && this.#state !== null ? renewalDue(this.#state) : Infinity;
    return Math.min(renewal, this.#by ?? Infinity);
  }

  #renew(session: Session, now: number): void {
    this.#store(session.resumeState(this.#state?.verified ?? false, now));
  }

  #store(state: ResumeState | null): void {
    this.#state = state;
    this.#outbox.emit({ kind: "resume", resume: state === null ? [] : [state] });
  }
}
