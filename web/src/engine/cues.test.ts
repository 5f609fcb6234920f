import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { SignBurst, SignBurstMS, SignHandMS, SignMS, type CueKind } from "../protocol/sealed.gen.ts";
import { Cues } from "./cues.ts";
import type { CueSign } from "./types.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** One side; what it says is kept, or lost while `reach` is false. */
function listener() {
  const view: { cues: readonly CueSign[]; handUp: boolean } = { cues: [], handUp: false };
  const said: CueKind[] = [];
  const path = { reach: true };
  const cues = new Cues({ set: (patch) => Object.assign(view, patch) }, ({ kind }) => {
    if (path.reach) said.push(kind);
    return path.reach;
  });
  const hear = (kind: CueKind) => cues.receive({ t: "cue", kind });
  return { cues, view, said, path, hear };
}

test("a nod is shown for its time, and longer when it comes again", () => {
  const { view, hear } = listener();
  hear("nod");
  vi.advanceTimersByTime(SignMS - 1);
  hear("nod");
  vi.advanceTimersByTime(SignMS - 1);
  expect(view.cues).toEqual(["nod"]);
  vi.advanceTimersByTime(1);
  expect(view.cues).toEqual([]);
});

test("a hand stays beside what passes, until it is lowered or its time is over", () => {
  const { view, hear } = listener();
  hear("hand");
  hear("wait");
  expect(view.cues).toEqual(["hand", "wait"]);
  vi.advanceTimersByTime(SignMS);
  expect(view.cues).toEqual(["hand"]);
  hear("hand-down");
  expect(view.cues).toEqual([]);
  hear("hand");
  vi.advanceTimersByTime(SignHandMS - 1);
  expect(view.cues).toEqual(["hand"]);
  vi.advanceTimersByTime(1);
  expect(view.cues).toEqual([]);
});

test("of too many at once the rest is not shown, but a hand is lowered all the same", () => {
  const { view, hear } = listener();
  hear("hand");
  for (let i = 1; i < SignBurst; i++) hear("nod");
  hear("wait");
  expect(view.cues).toEqual(["hand", "nod"]);
  hear("hand-down");
  expect(view.cues).toEqual(["nod"]);
  vi.advanceTimersByTime(SignBurstMS);
  hear("wait");
  expect(view.cues).toEqual(["nod", "wait"]);
});

test("the own hand goes up and down by the same key, and by itself when forgotten", () => {
  const { cues, view, said } = listener();
  expect(cues.give("hand")).toBe(true);
  expect(view.handUp).toBe(true);
  expect(cues.give("nod")).toBe(true);
  expect(cues.give("hand")).toBe(true);
  expect(view.handUp).toBe(false);
  cues.give("hand");
  vi.advanceTimersByTime(SignHandMS);
  expect(view.handUp).toBe(false);
  cues.again(); // nothing is left to tell
  expect(said).toEqual(["hand", "nod", "hand-down", "hand", "hand-down"]);
});

test("what finds no path is refused and not said later; a hand lowered meanwhile is", () => {
  const { cues, view, said, path } = listener();
  cues.give("hand");
  path.reach = false;
  expect(cues.give("nod")).toBe(false);
  expect(cues.give("hand")).toBe(true);
  expect(view.handUp).toBe(false);
  expect(cues.give("hand")).toBe(false);
  expect(view.handUp).toBe(false);
  path.reach = true;
  cues.again();
  cues.again();
  expect(said).toEqual(["hand", "hand-down"]);
});

test("over another connection the raised hand is told again, and what they showed is forgotten", () => {
  const { cues, view, said, hear } = listener();
  cues.give("hand");
  hear("hand");
  hear("nod");
  cues.renew();
  expect(view).toEqual({ cues: [], handUp: true });
  cues.again();
  expect(said).toEqual(["hand", "hand"]);
});

test("after the end nothing is shown and no timer is left", () => {
  const { cues, view, said, hear } = listener();
  cues.give("hand");
  hear("nod");
  cues.close();
  expect(view).toEqual({ cues: [], handUp: false });
  expect(vi.getTimerCount()).toBe(0);
  hear("nod");
  expect(cues.give("nod")).toBe(false);
  expect(view.cues).toEqual([]);
  expect(said).toEqual(["hand"]);
});
