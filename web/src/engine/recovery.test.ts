import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Negotiation } from "./negotiation.ts";
import { Recovery } from "./recovery.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function make(role: "host" | "guest") {
  const start = performance.now();
  const at: number[] = [];
  const restart = () => void at.push(performance.now() - start);
  const negotiation = { connected: true, restart };
  const giveUp = vi.fn();
  const rescue = vi.fn();
  const recovery = new Recovery(role, () => negotiation as unknown as Negotiation, giveUp, rescue);
  return { at, negotiation, giveUp, rescue, recovery };
}

test("the host restarts at once, again after 2, 3, 4 and 8 s, and goes on every 12 s", () => {
  const { at, rescue, recovery } = make("host");
  recovery.begin();
  vi.advanceTimersByTime(500);
  recovery.begin(); // the same loss, seen twice
  vi.advanceTimersByTime(41_000);
  expect(at).toEqual([0, 2_000, 5_000, 9_000, 17_000, 29_000, 41_000]);
  expect(rescue).toHaveBeenCalledTimes(7); // each time a spare connection is asked for, too
});

test("the guest lets the host go first, and does not restart what the host has restarted", () => {
  const { at, recovery } = make("guest");
  recovery.begin();
  vi.advanceTimersByTime(100);
  recovery.theirs();
  vi.advanceTimersByTime(2_100);
  expect(at).toEqual([]);
  vi.advanceTimersByTime(100);
  expect(at).toEqual([2_300]);
});

test("who notices after the other side has offered lets that offer work", () => {
  for (const role of ["host", "guest"] as const) {
    const { at, recovery } = make(role);
    recovery.theirs();
    vi.advanceTimersByTime(100);
    recovery.begin();
    vi.advanceTimersByTime(1_999);
    expect(at).toEqual([]);
    recovery.end();
  }
});

test("a guest who hears nothing of the host goes on alone", () => {
  const { at, recovery } = make("guest");
  recovery.begin();
  vi.advanceTimersByTime(2_400);
  expect(at).toEqual([200, 2_400]);
});

test("a new way to the other side is tried at once, and begins the schedule anew", () => {
  const { at, recovery } = make("host");
  recovery.hurry(); // nothing is lost
  recovery.begin();
  vi.advanceTimersByTime(6_000);
  recovery.hurry();
  recovery.hurry(); // the same news from another source
  vi.advanceTimersByTime(2_000);
  expect(at).toEqual([0, 2_000, 5_000, 6_000, 8_000]);
});

test("the offer of a first connection is no restart: it gets the time of one", () => {
  const { at, negotiation, recovery } = make("guest");
  negotiation.connected = false;
  recovery.connect();
  vi.advanceTimersByTime(500);
  recovery.theirs();
  vi.advanceTimersByTime(8_999);
  expect(at).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(at).toEqual([9_500]);
});

test("a first connection gets more time, and none is restarted that stands", () => {
  const { at, negotiation, rescue, recovery } = make("host");
  negotiation.connected = false;
  recovery.connect();
  vi.advanceTimersByTime(4_999);
  expect(at).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(at).toEqual([5_000]);
  vi.advanceTimersByTime(5_000);
  expect(at).toEqual([5_000, 10_000]);
  negotiation.connected = true; // and waits for the proof of the other side
  vi.advanceTimersByTime(20_000);
  expect(at).toEqual([5_000, 10_000]);
  expect(rescue).not.toHaveBeenCalled();
});

test("gives up after a minute, unless media came back", () => {
  const lost = make("host");
  lost.recovery.begin();
  vi.advanceTimersByTime(60_000);
  expect(lost.giveUp).toHaveBeenCalledTimes(1);
  const saved = make("host");
  saved.recovery.begin();
  vi.advanceTimersByTime(59_000);
  saved.recovery.end();
  const restarts = saved.at.length;
  vi.advanceTimersByTime(120_000);
  expect(saved.giveUp).not.toHaveBeenCalled();
  expect(saved.at).toHaveLength(restarts);
});
