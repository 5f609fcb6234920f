import type { Admission } from "./admission.ts";
import { Allowance, answerAt, type Budget, budgetLocked, NEW_BUDGET } from "./budget.ts";
import type { Control } from "./control.ts";
import { deriveHost, type HostKeys, type LinkKeys } from "./derive.ts";
import { type Code, codeOf, E2EEError } from "./errors.ts";
import { HostHandshake } from "./handshake.ts";
import { parseM1 } from "./messages.ts";
import { type Party, type PartyConfig, partyFrom } from "./party.ts";
import type { ResumeState } from "./resume.ts";
import type { Session } from "./session.ts";

export interface HostConfig extends PartyConfig {
  readonly budget?: Budget;
  readonly resume?: readonly ResumeState[];
  /** How long one epoch's keys are used. */
  readonly rekeyMs?: number;
}

/** What to do about an M1. */
export type Verdict =
  | { readonly kind: "answer"; readonly resume: ResumeState | null }
  | { readonly kind: "delay"; readonly until: number }
  | { readonly kind: "refuse"; readonly t: Control["t"]; readonly code: Code };

/** Decides which handshakes a host answers, and answers them. */
export class Door {
  readonly #party: Party;
  readonly #hostKeys: HostKeys;
  readonly #admission: Admission;
  readonly #allowance = new Allowance();
  #budget: Budget;

  /** E_PW_REQUIRED, E_PASSWORD_FORM if password and link do not fit. */
  constructor(config: HostConfig, admission: Admission) {
    const given = (config.password?.length ?? 0) > 0;
    if (config.link.hasPassword !== given) throw new E2EEError(given ? "E_PASSWORD_FORM" : "E_PW_REQUIRED");
    this.#party = partyFrom(config);
    this.#hostKeys = deriveHost(config.link);
    this.#budget = config.budget ?? NEW_BUDGET;
    this.#admission = admission;
  }

  get keys(): LinkKeys {
    return this.#party.keys;
  }

  get budget(): Budget {
    return this.#budget;
  }

  get locked(): boolean {
    return budgetLocked(this.#budget);
  }

  allow(more: number): void {
    this.#budget = { ...this.#budget, extra: this.#budget.extra + more };
  }

  /**
   * What to do about an M1; `again` if it was delayed. Somebody who comes back
   * costs nothing and is not locked out: the resume id is a secret, and without
   * the one that belongs to it no password can be tried.
   */
  judge(m1: Uint8Array, again: boolean, now: number): Verdict {
    const resume = this.#admission.find(parseM1(m1).resumeId, now);
    if (this.#admission.taken && !(resume !== null && this.#admission.isTheirs(resume))) {
      return { kind: "refuse", t: "busy", code: "E_BUSY" };
    }
    if (resume !== null) return { kind: "answer", resume };
    if (this.locked) return { kind: "refuse", t: "abort", code: "E_LOCKED" };
    if (!again && !this.#allowance.take(now)) return { kind: "refuse", t: "busy", code: "E_BUSY" };
    const until = answerAt(this.#budget, now);
    return until > now ? { kind: "delay", until } : { kind: "answer", resume: null };
  }

  random(bytes: number): Uint8Array {
    return this.#party.random(bytes);
  }

  /** E_PARSE, E_VERSION, E_POINT, E_KEM. */
  answer(m1: Uint8Array, cidGuest: Uint8Array, cidHost: Uint8Array, resume: ResumeState | null): HostHandshake {
    return new HostHandshake({ ...this.#party, cidGuest, cidHost, resume }, this.#hostKeys, m1);
  }

  /** Null for a wrong guess, which is counted. Nothing else counts: it reveals nothing. */
  confirm(handshake: HostHandshake, m3: Uint8Array, now: number): { m4: Uint8Array; session: Session } | null {
    try {
      return handshake.receiveM3(m3);
    } catch (e) {
      if (codeOf(e) !== "E_CONFIRM") throw e;
      this.#budget = { ...this.#budget, failures: this.#budget.failures + 1, lastFailure: now };
      return null;
    }
  }
}
