import { SignBurst, SignBurstMS, SignHandMS, SignMS, type Cue, type CueKind } from "../protocol/sealed.gen.ts";
import { Scope } from "./scope.ts";
import type { CueSign } from "./types.ts";

/** Where cues are shown; {@link CallState} is one. */
interface Shown {
  set(patch: { cues?: readonly CueSign[]; handUp?: boolean }): void;
}

/**
 * The signs of two listeners: what the other party shows and until when, and the own hand, which the other party is told
 * of on every connection. Everything else passes; what finds no path is not said later.
 */
export class Cues {
  readonly #shown: Shown;
  readonly #send: (cue: Cue) => boolean;
  readonly #scope = new Scope();
  readonly #theirs = new Map<CueSign, () => void>(); // what is shown, with its timer
  #recent: readonly number[] = []; // when their last cues came
  #lowered: (() => void) | null = null; // timer of the own hand while it is up
  #told = false; // over this connection: that it is up

  /** `send` is false if the other party cannot be reached just now. */
  constructor(shown: Shown, send: (cue: Cue) => boolean) {
    this.#shown = shown;
    this.#send = send;
  }

  /** False if it could not be shown to the other party. A hand that is up is lowered. */
  give(sign: CueSign): boolean {
    if (this.#scope.closed) return false;
    if (sign === "hand" && this.#lowered) {
      this.#lower();
      return true;
    }
    if (!this.#say(sign)) return false;
    if (sign === "hand") {
      this.#told = true;
      this.#lowered = this.#scope.timeout(() => this.#lower(), SignHandMS);
      this.#shown.set({ handUp: true });
    }
    return true;
  }

  receive({ kind }: Cue): void {
    if (kind === "hand-down") return this.#forget("hand");
    if (this.#scope.closed || this.#tooMany()) return;
    this.#theirs.get(kind)?.();
    const gone = this.#scope.timeout(() => this.#forget(kind), kind === "hand" ? SignHandMS : SignMS);
    this.#theirs.set(kind, gone);
    this.#show();
  }

  /** The other party can be reached (again): what it should know about the own hand. */
  again(): void {
    const up = this.#lowered !== null;
    if (up !== this.#told && this.#say(up ? "hand" : "hand-down")) this.#told = up;
  }

  /** Another connection: nothing was said over it yet, by either party. */
  renew(): void {
    this.#told = false;
    for (const gone of this.#theirs.values()) gone();
    if (this.#theirs.size === 0) return;
    this.#theirs.clear();
    this.#show();
  }

  close(): void {
    if (this.#scope.closed) return;
    this.#scope.close();
    this.#theirs.clear();
    this.#lowered = null;
    this.#shown.set({ cues: [], handUp: false });
  }

  #say(kind: CueKind): boolean {
    return this.#send({ t: "cue", kind });
  }

  #lower(): void {
    this.#lowered?.();
    this.#lowered = null;
    this.again();
    this.#shown.set({ handUp: false });
  }

  #forget(sign: CueSign): void {
    this.#theirs.get(sign)?.();
    if (this.#theirs.delete(sign)) this.#show();
  }

  #show(): void {
    this.#shown.set({ cues: [...this.#theirs.keys()] });
  }

  /** A key that is pressed again and again must not become a flicker. */
  #tooMany(): boolean {
    const now = performance.now();
    this.#recent = this.#recent.filter((at) => now - at < SignBurstMS);
    if (this.#recent.length >= SignBurst) return true;
    this.#recent = [...this.#recent, now];
    return false;
  }
}
