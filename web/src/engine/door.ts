import type { Knock } from "../protocol/sealed.gen.ts";
import { budgetLocked, guessesLeft, type Budget } from "./e2ee/budget.ts";
import type { CallState } from "./state.ts";
import type { Visitor } from "./types.ts";

/** The host's door: who stands before it, and whether it is locked. */
export class Door {
  readonly #state: CallState;
  readonly #tellServer: (type: "lock" | "unlock") => void;
  #byPerson = false;
  #byGuesses = false;

  constructor(state: CallState, tellServer: (type: "lock" | "unlock") => void) {
    this.#state = state;
    this.#tellServer = tellServer;
  }

  get locked(): boolean {
    return this.#byPerson || this.#byGuesses;
  }

  /** Null if this visitor stands there already: nobody rings twice, or out of a hold. */
  knocked(slot: number, { name, note, lang, tested }: Knock): Visitor | null {
    if (this.visitor(slot)) return null;
    const visitor: Visitor = {
      slot,
      name,
      note: note ?? "",
      lang: lang ?? "",
      state: "knocking",
      since: Date.now(),
      tested: tested ?? null,
    };
    this.#state.set({ visitors: [...this.#state.view.visitors, visitor] });
    return visitor;
  }

  visitor(slot: number): Visitor | undefined {
    return this.#state.view.visitors.find((v) => v.slot === slot);
  }

  held(slot: number): void {
    const visitors = this.#state.view.visitors.map((v): Visitor => (v.slot === slot ? { ...v, state: "held" } : v));
    this.#state.set({ visitors });
  }

  left(slot: number): void {
    if (this.visitor(slot)) this.#state.set({ visitors: this.#others(slot) });
  }

  /** The server's memory of a lock that an earlier page set. */
  wasLocked(): void {
    if (!this.#byGuesses) this.lock(true);
  }

  lock(on: boolean): void {
    this.#byPerson = on;
    this.#show();
  }

  /** What is left of the guesses; none left locks. */
  count(budget: Budget): void {
    const { hasPassword } = this.#state.options.link;
    this.#state.set({ attemptsLeft: hasPassword ? guessesLeft(budget) : null });
    if (this.#byGuesses === budgetLocked(budget)) return;
    this.#byGuesses = !this.#byGuesses;
    this.#show();
  }

  /** Says to the server what holds now; it also forgets the lock that came with an admission. */
  apply(): void {
    this.#tellServer(this.locked ? "lock" : "unlock");
  }

  #show(): void {
    this.#state.set({ locked: this.locked });
    this.apply();
  }

  #others(slot: number): Visitor[] {
    return this.#state.view.visitors.filter((v) => v.slot !== slot);
  }
}
