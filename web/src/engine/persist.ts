import * as v from "valibot";
import type { Budget } from "./e2ee/budget.ts";
import { fromBase64Url, toBase64Url } from "./e2ee/encode.ts";
import type { ResumeState } from "./e2ee/resume.ts";
import type { CallStore } from "./types.ts";

/** What a running call looks like to the page that takes over after a reload. */
export interface Seat {
  readonly resume: readonly ResumeState[];
  readonly password: Uint8Array | null; // stretched: each handshake needs it again
  readonly peerName: string;
  readonly title: string;
  readonly liveSince: number | null;
  readonly limitMs: number | null;
  readonly endsAt: number | null;
  /** Written here, and not known to have arrived. */
  readonly unsaid: readonly Unsaid[];
}

export interface Unsaid {
  readonly id: string;
  readonly text: string;
  readonly at: number;
}

/** More lines than this nobody writes into a connection that is lost; the storage of a tab has bounds. */
export const UNSAID_MAX = 100;

const bytes = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9_-]*$/),
  v.transform((s) => fromBase64Url(s)),
);
const moment = v.nullable(v.number());
const seat = v.object({
  resume: v.array(
    v.object({
      id: bytes,
      secret: bytes,
      epoch: v.number(),
      verified: v.boolean(),
      expires: v.number(),
    }),
  ),
  password: v.nullable(bytes),
  peerName: v.string(),
  title: v.string(),
  liveSince: moment,
  limitMs: moment,
  endsAt: moment,
  unsaid: v.optional(
    v.pipe(v.array(v.object({ id: v.string(), text: v.string(), at: v.number() })), v.maxLength(UNSAID_MAX)),
    [],
  ),
});
const budget = v.object({ failures: v.number(), extra: v.number(), lastFailure: v.number() });

/** Keeps seat and budget of one call in the app's store, as text. What cannot be read counts as absent. */
export class Persist {
  readonly #store: CallStore;
  readonly #callId: string;

  constructor(store: CallStore, callId: Uint8Array) {
    this.#store = store;
    this.#callId = toBase64Url(callId);
  }

  loadSeat(now: number): Seat | null {
    const found = read(seat, this.#store.loadResume(this.#callId));
    const resume = found?.resume.filter((r) => r.expires > now) ?? [];
    if (found && resume.length > 0) return { ...found, resume };
    if (found) this.saveSeat(null); // over: nothing of it is kept
    return null;
  }

  saveSeat(value: Seat | null): void {
    const text = value && {
      ...value,
      password: value.password && toBase64Url(value.password),
      resume: value.resume.map((r) => ({ ...r, id: toBase64Url(r.id), secret: toBase64Url(r.secret) })),
    };
    this.#store.saveResume(this.#callId, text && JSON.stringify(text));
  }

  loadBudget(): Budget | null {
    return read(budget, this.#store.loadBudget(this.#callId));
  }

  saveBudget(value: Budget): void {
    this.#store.saveBudget(this.#callId, JSON.stringify(value));
  }
}

function read<S extends v.GenericSchema>(schema: S, text: string | null): v.InferOutput<S> | null {
  if (text === null) return null;
  try {
    const r = v.safeParse(schema, JSON.parse(text));
    return r.success ? r.output : null;
  } catch {
    return null;
  }
}
