import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { CallState, type CallView } from "./state.ts";
import type { CallOptions, EndInfo } from "./types.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function told() {
  const events: string[] = [];
  const view = { phase: "knocking", title: "" } as CallView;
  const state = new CallState({} as CallOptions, (event) => events.push(event), view);
  return { state, events };
}

test("what is held is told at once when the time has come, changes as one", () => {
  const { state, events } = told();
  state.hold(100);
  state.move("admitted");
  state.notice({ kind: "peer-joined" });
  state.set({ title: "x" });
  expect(events).toEqual([]);
  expect(state.view).toMatchObject({ phase: "joining", title: "x" });
  state.tell();
  expect(events).toEqual(["change", "notice"]);
  state.set({ title: "y" });
  vi.advanceTimersByTime(1_000);
  expect(events).toEqual(["change", "notice", "change"]);
});

test("nothing is held longer than it was said", () => {
  const { state, events } = told();
  state.hold(100);
  state.set({ title: "x" });
  vi.advanceTimersByTime(99);
  expect(events).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(events).toEqual(["change"]);
});

test("an end is never held", () => {
  const { state, events } = told();
  state.hold(100);
  state.finish({} as EndInfo);
  expect(events).toEqual(["change", "ended"]);
});
