import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Dismissal } from "./dismissal.ts";
import type { LastWord } from "./parting.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const elsewhere: LastWord = { reason: "replaced", code: "E_REPLACED" };

function dismissed() {
  const ends: LastWord[] = [];
  return { ends, dismissal: new Dismissal(elsewhere, (word) => void ends.push(word)) };
}

test("while media flows the server's word ends nothing", () => {
  const { ends } = dismissed();
  vi.advanceTimersByTime(3_600_000);
  expect(ends).toEqual([]);
});

test("when the other side closes the connection the call is over at once, and as the server has said", () => {
  const { ends, dismissal } = dismissed();
  dismissal.lost(true);
  expect(ends).toEqual([elsewhere]);
});

test("media that is merely lost has ten seconds to come back, however often it is said to be lost", () => {
  const { ends, dismissal } = dismissed();
  dismissal.lost(false);
  vi.advanceTimersByTime(6_000);
  dismissal.lost(false);
  vi.advanceTimersByTime(3_999);
  expect(ends).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(ends).toEqual([elsewhere]);
});

test("media that comes back has ten seconds again the next time", () => {
  const { ends, dismissal } = dismissed();
  dismissal.lost(false);
  vi.advanceTimersByTime(9_000);
  dismissal.flowing();
  vi.advanceTimersByTime(60_000);
  expect(ends).toEqual([]);
  dismissal.lost(false);
  vi.advanceTimersByTime(9_999);
  expect(ends).toEqual([]);
  dismissal.lost(true); // the other side need not be waited for
  expect(ends).toEqual([elsewhere]);
});

test("it ends the call once, and one that is over not at all", () => {
  const { ends, dismissal } = dismissed();
  dismissal.lost(false);
  dismissal.lost(true);
  dismissal.lost(true);
  vi.advanceTimersByTime(20_000);
  expect(ends).toHaveLength(1);

  const other = dismissed();
  other.dismissal.lost(false);
  other.dismissal.close();
  vi.advanceTimersByTime(20_000);
  other.dismissal.lost(true);
  expect(other.ends).toEqual([]);
});
