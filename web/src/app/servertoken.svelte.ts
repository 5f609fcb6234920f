import * as v from "valibot";
import { Stored, type Area } from "../storage/store.ts";
import type { ServerProblem } from "./server.ts";

const schema = v.object({ v: v.literal(1), token: v.pipe(v.string(), v.minLength(1), v.maxLength(256)) });

/**
 * The token that some servers ask for before they let anybody make a call. Known until the page is left, or kept on
 * this device; never part of a link.
 */
export class ServerToken {
  readonly #stored: Stored<typeof schema>;
  #token: string;
  #asking = $state(false);
  #wrong = $state(false);

  constructor(area: Area) {
    this.#stored = new Stored(area, "visavis.token", schema);
    this.#token = this.#stored.read()?.token ?? "";
  }

  /** "" if there is none. */
  get value(): string {
    return this.#token;
  }
  /** Whether the person has to be asked before a call can be made. */
  get asking(): boolean {
    return this.#asking;
  }
  set asking(on: boolean) {
    this.#asking = on;
  }
  /** The last one was refused. */
  get wrong(): boolean {
    return this.#wrong;
  }

  /** True if `problem` is one that a token solves; then it is asked for. */
  wants(problem: ServerProblem): boolean {
    if (problem !== "token-required" && problem !== "E_AUTH") return false;
    this.#wrong = problem === "E_AUTH" && this.#token !== "";
    this.#asking = true;
    return true;
  }

  set(token: string, keep: boolean): void {
    this.#token = token.trim();
    this.#asking = false;
    if (keep) this.#stored.write({ v: 1, token: this.#token });
    else this.#stored.remove();
  }
}
