import * as v from "valibot";
import { Stored, type Area } from "./store.ts";

/** How many calls a device remembers; the oldest is forgotten first. */
export const callLimit = 50;

const number = v.pipe(v.number(), v.finite());
const side = v.picklist(["mine", "theirs", "between", "server"]);
const cause = v.picklist([
  "uplink",
  "loss",
  "delay",
  "cpu",
  "background",
  "mic",
  "camera",
  "offline",
  "interrupted",
  "server",
]);

// What the last call was like: the engine's QualityReceipt.
const receipt = v.object({
  measuredMs: number,
  fromMs: v.optional(number, 0),
  reported: v.boolean(),
  paths: v.pipe(
    v.array(
      v.object({
        kind: v.picklist(["direct", "relayed"]),
        protocol: v.picklist(["udp", "tcp", "tls"]),
        relay: v.pipe(v.string(), v.maxLength(255)),
        fromMs: number,
      }),
    ),
    v.maxLength(8),
    v.readonly(),
  ),
  worst: v.nullable(v.object({ minute: number, side, cause, weight: number, value: number })),
});

const schema = v.object({
  id: v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/)), // call id
  role: v.picklist(["host", "guest"]),
  fragment: v.pipe(v.string(), v.regex(/^[hg][A-Za-z0-9_-]{40,80}$/)), // of this device's own link; secret
  guest: v.pipe(v.string(), v.regex(/^g[A-Za-z0-9_-]{40,80}$/)), // of the link that may be shown and sent
  password: v.nullable(v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{43}$/))), // stretched, base64url; host only
  title: v.pipe(v.string(), v.maxLength(120)),
  peer: v.pipe(v.string(), v.maxLength(64)), // name the other party gave last, or ""
  createdAt: v.number(), // ms since the epoch, as all times here
  lastAt: v.number(),
  expiresAt: v.nullable(v.number()), // null: a guest does not know
  ended: v.boolean(),
  waitingRoom: v.boolean(),
  limitMs: v.nullable(v.number()),
  oneTime: v.boolean(),
  relayOnly: v.boolean(),
  receipt: v.exactOptional(v.fallback(v.nullable(receipt), null)),
});

/** A call this device took part in. A host's record holds the only copy of the host link. */
export type CallRecord = v.InferOutput<typeof schema>;

/** All records, newest first. A broken record is dropped, the others stay. */
export class CallBook {
  readonly #stored: Stored<v.GenericSchema<unknown, { v: 1; calls: unknown[] }>>;

  constructor(area: Area) {
    this.#stored = new Stored(area, "visavis.calls", v.object({ v: v.literal(1), calls: v.array(v.unknown()) }));
  }

  /** Reads afresh: another tab may have written. */
  all(): CallRecord[] {
    const calls = this.#stored.read()?.calls ?? [];
    return calls.flatMap((call) => {
      const parsed = v.safeParse(schema, call);
      return parsed.success ? [parsed.output] : [];
    });
  }

  get(id: string): CallRecord | null {
    return this.all().find((call) => call.id === id) ?? null;
  }

  /** Adds the record, or replaces the one of the same call. */
  put(record: CallRecord): void {
    this.#write([record, ...this.all().filter((call) => call.id !== record.id)]);
  }

  remove(id: string): void {
    this.#write(this.all().filter((call) => call.id !== id));
  }

  #write(calls: CallRecord[]): void {
    calls.sort((a, b) => b.lastAt - a.lastAt);
    this.#stored.write({ v: 1, calls: calls.slice(0, callLimit) });
  }
}

/** Whether the link of a call is dead: ended by its host, or expired. */
export function isOver(call: CallRecord, now: number): boolean {
  return call.ended || (call.expiresAt !== null && call.expiresAt <= now);
}
