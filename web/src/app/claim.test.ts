import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Claim } from "./claim.ts";

/** Locks as a browser has them, each answer as late as on a machine that is busy. */
class SlowLocks {
  readonly #held = new Map<string, Promise<unknown>>();
  readonly lateMs: number;

  constructor(lateMs: number) {
    this.lateMs = lateMs;
  }

  async request(name: string, options: LockOptions, callback: (lock: Lock | null) => unknown): Promise<unknown> {
    const aborted = new Promise((_, reject) => {
      options.signal?.addEventListener("abort", () => reject(new DOMException("too late", "AbortError")));
    });
    await Promise.race([new Promise((done) => setTimeout(done, this.lateMs)), aborted]);
    const before = this.#held.get(name);
    if (before && options.ifAvailable) return callback(null);
    if (before && !options.steal) await Promise.race([before, aborted]);
    const held = Promise.resolve(callback({ name, mode: "exclusive" }));
    this.#held.set(name, held);
    return held.finally(() => this.#held.get(name) === held && this.#held.delete(name));
  }
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(AbortSignal, "timeout").mockImplementation((ms) => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), ms);
    return controller.signal;
  });
  vi.stubGlobal("navigator", { locks: new SlowLocks(800) });
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

async function take(claim: Claim, steal = false): Promise<boolean> {
  const taken = claim.take(steal);
  await vi.advanceTimersByTimeAsync(10_000);
  return taken;
}

test("a call that no other tab has is ours, however slow the browser is to say so", async () => {
  expect(await take(new Claim("a"))).toBe(true);
});

test("a second tab is refused, and takes the call over when asked to", async () => {
  const first = new Claim("a");
  await take(first);
  expect(await take(new Claim("a"))).toBe(false);
  expect(await take(new Claim("a"), true)).toBe(true);
  first.release();
});

test("a tab that is just going away gives the call back in time", async () => {
  const first = new Claim("a");
  await take(first);
  const second = new Claim("a").take(false);
  await vi.advanceTimersByTimeAsync(1_000); // held, it has learned
  first.release();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await second).toBe(true);
});
