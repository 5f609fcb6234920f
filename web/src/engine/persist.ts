import * as v from "valibot";
import type { Budget } from "./e2ee/budget.ts";
import { fromBase64Url, toBase64Url } from "./e2ee/encode.ts";
import type { ResumeState } from "./e2ee/resume.ts";
import type { CallStore, ChatMessage } from "./types.ts";

/** What a running call looks like to the page that takes over after a reload. */
export interface Seat {
  readonly resume: readonly ResumeState[];
  readonly password: Uint8Array | null; // stretched: each handshake needs it again
  readonly peerName: string;
  readonly title: string;
  readonly liveSince: number | null;
  readonly limitMs: number | null;
  readonly endsAt: number | null;
  /** The end of the chat; what is known not to have arrived is said again. */
  readonly chat: readonly ChatMessage[];
}

/** The storage of a tab has bounds: so many lines, and characters in them, are kept of a chat. */
const KEPT = { lines: 200, chars: 64 * 1024 };
/** And beside them lines that have not arrived: more nobody writes into a connection that is lost. */
const UNSAID_LINES = 100;

/** What of a chat outlives a reload: its end, and what has not arrived. */
export function keptChat(chat: readonly ChatMessage[]): ChatMessage[] {
  let [lines, chars, unsaid] = [0, 0, 0];
  const kept = chat.toReversed().filter(({ mine, delivered, text }) => {
    const room = ++lines <= KEPT.lines && (chars += text.length) <= KEPT.chars;
    return room || (mine && !delivered && ++unsaid <= UNSAID_LINES);
  });
  return kept.toReversed();
}

const bytes = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9_-]*$/),
  v.transform((s) => fromBase64Url(s)),
);
const moment = v.nullable(v.number());
const line = v.object({
  id: v.string(),
  mine: v.boolean(),
  text: v.string(),
  at: v.number(),
  delivered: v.boolean(),
});
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
  chat: v.optional(v.pipe(v.array(line), v.maxLength(KEPT.lines + UNSAID_LINES)), []),
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
