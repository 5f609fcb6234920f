import * as fc from "fast-check";
import { expect, test } from "vitest";
import { HOST, World } from "./world.testing.ts";

const SLOTS = [1, 2] as const;

/** One thing that can happen to a call. */
const step = fc.oneof(
  { weight: 8, arbitrary: fc.constant({ do: "deliver" as const, slot: 1 }) },
  ...(["connect", "cut", "damage", "lose", "repeat", "knock", "admit", "chat", "say", "release"] as const).map(
    (what) => ({
      weight: 1,
      arbitrary: fc.record({ do: fc.constant(what), slot: fc.constantFrom(...SLOTS) }),
    }),
  ),
  { weight: 1, arbitrary: fc.constant({ do: "wait" as const, slot: 1 }) },
  { weight: 1, arbitrary: fc.constant({ do: "host-reconnects" as const, slot: 1 }) },
);

/** Whoever may not say something now is told so; that is not what this test is about. */
function attempt(act: () => void): void {
  try {
    act();
  } catch (e) {
    expect(["E_STATE", "E_BUSY"]).toContain((e as { code?: string }).code);
  }
}

function walk(w: World, what: string, slot: number): void {
  const guest = w.guest(slot);
  const next = w.queue[0];
  switch (what) {
    case "deliver":
      return void w.step();
    case "connect":
      w.cut(slot);
      return w.connect(slot);
    case "cut":
      return w.cut(slot);
    case "lose":
      return void w.queue.shift();
    case "repeat":
      return void (next && w.queue.push(next));
    case "damage":
      if (next) w.queue[0] = { ...next, frame: next.frame.map((b, i) => (i === next.frame.length - 1 ? b ^ 1 : b)) };
      return;
    case "knock":
      return attempt(() => guest.send({ t: "knock", name: "Ana" }, w.now));
    case "admit":
      return attempt(() => w.host.send(slot, { t: "admit", policy: {} }, w.now));
    case "chat":
      return attempt(() => guest.send({ t: "chat", id: "1", text: "x" }, w.now));
    case "say":
      return attempt(() => w.host.send(slot, { t: "chat", id: "2", text: "y" }, w.now));
    case "release":
      return w.host.release(w.now);
    case "wait":
      return w.pass(3_000);
    case "host-reconnects":
      w.queue.length = 0;
      return w.reconnectHost(SLOTS);
  }
}

/** Sessions that both sides call theirs have the same words; nobody hears anything but what the other said, once. */
function check(w: World): void {
  const host = new Map(w.effects(HOST, "ready").map((r) => [r.session.id.join(), r.session]));
  for (const slot of SLOTS) {
    for (const { session } of w.effects(slot, "ready")) {
      const other = host.get(session.id.join());
      if (other) expect(other.sas).toEqual(session.sas);
    }
  }
  const guests = new Set(SLOTS.flatMap((slot) => w.effects(slot, "ready").map((r) => r.session.id.join())));
  for (const id of host.keys()) expect(guests.has(id)).toBe(true);
  expect(w.effects(HOST, "ready")).toHaveLength(host.size); // no session twice
  expect(w.host.budget.failures).toBe(0); // no password was wrong
}

test("whatever the relay does, two parties never disagree, and meet once it behaves", { timeout: 60_000 }, () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const w = new World();
      for (const slot of SLOTS) {
        w.newGuest(slot);
        w.connect(slot);
      }
      for (const s of steps) {
        walk(w, s.do, s.slot);
        w.collect();
      }
      check(w);
      w.queue.length = 0;
      w.host.release(w.now);
      w.pass(60 * 60_000);
      for (const slot of SLOTS) {
        w.newGuest(slot);
        w.cut(slot);
      }
      w.seen.clear();
      w.meet(1);
      expect(w.effects(1, "ready")).toHaveLength(1);
      expect(w.effects(HOST, "ready")).toHaveLength(1);
    }),
    { numRuns: 30 },
  );
});
