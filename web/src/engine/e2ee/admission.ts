import { equal } from "./encode.ts";
import { LIMIT_RESUME, renewalDue, RESUME_LIFETIME_MS, resumable, type ResumeState } from "./resume.ts";
import type { Standing } from "./sealed.ts";
import type { Slot } from "./slot.ts";

/** Who is let in: at most one guest, present or expected back, and what it can come back with. */
export class Admission {
  #states: ResumeState[];
  /** The resume id of the admitted guest; null while nobody is admitted. */
  #current: Uint8Array | null = null;
  /** The resume id of the successor of its session, until the guest was heard under it. */
  #next: Uint8Array | null = null;
  #slot: Slot | null = null;

  constructor(states: readonly ResumeState[]) {
    this.#states = states.slice(-LIMIT_RESUME);
  }

  get states(): readonly ResumeState[] {
    return this.#states;
  }

  /** The admitted guest's slot; null if it is away or nobody is admitted. */
  get slot(): Slot | null {
    return this.#slot;
  }

  get taken(): boolean {
    return this.#current !== null;
  }

  standing(slot: Slot): Standing {
    return slot === this.#slot ? "admitted" : "waiting";
  }

  /** The state that an M1 names, if it can be used now. */
  find(id: Uint8Array, now: number): ResumeState | null {
    return this.#states.find((s) => equal(s.id, id) && resumable(s, now)) ?? null;
  }

  isCurrent(state: ResumeState): boolean {
    return this.#current !== null && equal(this.#current, state.id);
  }

  isNext(state: ResumeState): boolean {
    return this.#next !== null && equal(this.#next, state.id);
  }

  /** A state with which the admitted guest may come back. */
  isTheirs(state: ResumeState): boolean {
    return this.isCurrent(state) || this.isNext(state);
  }

  /** The guest in this slot is in. */
  admit(slot: Slot, state: ResumeState): void {
    this.#states = [...this.#states, state].slice(-LIMIT_RESUME);
    this.#current = state.id;
    this.#slot = slot;
  }

  /** It is back; `used` is the state it came back with. Its old slot, if the server still has it, is dead. */
  readmit(slot: Slot, used: ResumeState): void {
    this.#current ??= used.id; // after a reload of ours
    if (this.#slot !== slot) this.#slot?.reset();
    this.#slot = slot;
  }

  /** The guest's session has a successor, which the guest may or may not know. */
  expect(next: ResumeState): void {
    this.#states = [...this.#states.filter((s) => this.isCurrent(s)), next];
    this.#next = next.id;
  }

  /** The guest knows it: what it was made from has served. */
  confirm(): void {
    this.#current = this.#next ?? this.#current;
    this.#next = null;
    this.#states = this.#states.filter((s) => this.isCurrent(s));
  }

  /** The guest was heard over the media connection: its session lives, even if the server does not. True if that changed anything. */
  alive(now: number): boolean {
    const state = this.#states.find((s) => this.isCurrent(s));
    if (state === undefined || now < renewalDue(state)) return false;
    this.#change((s) => ({ ...s, expires: now + RESUME_LIFETIME_MS }));
    return true;
  }

  /** The admitted guest's connection is lost: from now on its state's life runs out. */
  away(now: number): void {
    this.#slot = null;
    this.#change((s) => ({ ...s, expires: now + RESUME_LIFETIME_MS }));
  }

  /** Forgets the admitted guest. */
  release(): void {
    this.#states = this.#states.filter((s) => !this.isTheirs(s));
    this.#current = this.#next = null;
    this.#slot = null;
  }

  verified(match: boolean): void {
    this.#change((s) => ({ ...s, verified: match }));
  }

  /** Moves a living session's expiry on, and opens the call when the guest has not come back. True if anything changed. */
  tick(now: number): boolean {
    const before = this.#states;
    const present = this.#present();
    if (present !== null && now >= renewalDue(present)) {
      this.#change((s) => ({ ...s, expires: now + RESUME_LIFETIME_MS }));
    }
    if (this.#states.some((s) => !resumable(s, now))) this.#states = this.#states.filter((s) => resumable(s, now));
    if (this.#slot === null && !this.#states.some((s) => this.isCurrent(s))) this.#current = null;
    return this.#states !== before;
  }

  /** When `tick` has something to do; Infinity for never. */
  deadline(): number {
    const present = this.#present();
    return Math.min(...this.#states.map((s) => (s === present ? renewalDue(s) : s.expires)));
  }

  /** The state of the admitted guest while it is here. */
  #present(): ResumeState | null {
    return this.#slot === null ? null : (this.#states.find((s) => this.isCurrent(s)) ?? null);
  }

  #change(edit: (s: ResumeState) => ResumeState): void {
    this.#states = this.#states.map((s) => (this.isTheirs(s) ? edit(s) : s));
  }
}
