import { expect, test } from "vitest";
import { keptChat, Persist, type Seat } from "./persist.ts";
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
  chat: [
    { id: "a", mine: false, text: "hello", at: 6, delivered: true },
    { id: "b", mine: true, text: "still to be said", at: 7, delivered: false },
  ],
};

const lines = (length: number, like: object) =>
  Array.from({ length }, (_, at) => ({ id: `${at}`, mine: true, text: "", at, delivered: true, ...like }));

test("a seat is found again with its chat, until it expires", () => {
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
  const { chat: _, ...older } = JSON.parse(kept.text ?? "") as Record<string, unknown>;
  kept.text = JSON.stringify(older);
  expect(persist.loadSeat(0)?.chat).toEqual([]);
  persist.saveSeat({ ...seat, chat: lines(301, {}) });
  expect(persist.loadSeat(0)).toBeNull();
  kept.text = "{";
  expect(persist.loadSeat(0)).toBeNull();
});

test("of a long chat its end is kept, and what has not arrived", () => {
  expect(keptChat(lines(5, {}))).toEqual(lines(5, {}));
  expect(keptChat(lines(1_000, {}))).toEqual(lines(1_000, {}).slice(-200));
  const unsaid = lines(2, { delivered: false });
  expect(keptChat([...unsaid, ...lines(1_000, {})])).toEqual([...unsaid, ...lines(1_000, {}).slice(-200)]);
  expect(keptChat(lines(1_000, { delivered: false }))).toHaveLength(300);
  const long = lines(100, { text: "x".repeat(4_000) });
  expect(keptChat(long)).toEqual(long.slice(-16)); // 64 kB
  expect(keptChat(lines(1_000, { mine: false, delivered: true }))).toHaveLength(200);
});
