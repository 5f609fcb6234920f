import { expect, test } from "vitest";
import { Persist, UNSAID_MAX, type Seat } from "./persist.ts";
import type { CallStore } from "./types.ts";

function store(): CallStore & { text: string | null } {
  const kept = {
    text: null as string | null,
    loadResume: () => kept.text,
    saveResume: (_: string, value: string | null) => void (kept.text = value),
    loadBudget: () => null,
    saveBudget: () => undefined,
  };
  return kept;
}

const seat: Seat = {
  resume: [{ id: new Uint8Array(16), secret: new Uint8Array(32), epoch: 3, verified: true, expires: 1_000 }],
  password: null,
  peerName: "Ben",
  title: "",
  liveSince: 5,
  limitMs: null,
  endsAt: null,
  unsaid: [{ id: "a", text: "still to be said", at: 7 }],
};

test("a seat is found again with what was not said, until it expires", () => {
  const persist = new Persist(store(), new Uint8Array(16));
  persist.saveSeat(seat);
  expect(persist.loadSeat(999)).toEqual(seat);
  expect(persist.loadSeat(1_000)).toBeNull();
  persist.saveSeat(null);
  expect(persist.loadSeat(0)).toBeNull();
});

test("a seat of an older page is a seat; one with too many lines, or no text, is none", () => {
  const kept = store();
  const persist = new Persist(kept, new Uint8Array(16));
  persist.saveSeat(seat);
  const { unsaid: _, ...older } = JSON.parse(kept.text ?? "") as Record<string, unknown>;
  kept.text = JSON.stringify(older);
  expect(persist.loadSeat(0)?.unsaid).toEqual([]);
  persist.saveSeat({ ...seat, unsaid: Array.from({ length: UNSAID_MAX + 1 }, () => ({ id: "", text: "", at: 0 })) });
  expect(persist.loadSeat(0)).toBeNull();
  kept.text = "{";
  expect(persist.loadSeat(0)).toBeNull();
});
