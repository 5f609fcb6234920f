import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Pulse, type Traffic } from "./pulse.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A connection whose other side sends something every `everyMs`; 0: nothing any more. */
function feel(everyMs: number) {
  const world = {
    everyMs,
    pair: "first",
    speaking: true, // we send media
    hidden: false,
    sending: true, // they say that they do
    log: [] as string[],
    beats: [] as number[],
    bound: true,
  };
  let [received, sent, due] = [0, 0, 0];
  setInterval(() => {
    due += 10;
    if (world.everyMs > 0 && due >= world.everyMs) [received, due] = [received + 100, 0];
    if (world.speaking) sent += 100;
  }, 10);
  const look = async (): Promise<Traffic | null> => (world.bound ? { received, sent, pair: world.pair } : null);
  const start = performance.now();
  const note = (what: string) => world.log.push(`${what} ${performance.now() - start}`);
  const pulse = new Pulse({
    look,
    beat: (ms) => {
      world.beats.push(ms);
      sent += 50;
    },
    sending: () => world.sending,
    throttled: () => world.hidden,
    silent: () => note("silent"),
    heard: () => note("heard"),
  });
  return { world, pulse, wait: (ms: number) => vi.advanceTimersByTimeAsync(ms) };
}

test("silence after steady media is noticed in 500 ms, and its end with the first byte", async () => {
  const { world, pulse, wait } = feel(20);
  pulse.promised(300);
  await wait(30_000);
  world.everyMs = 0;
  await wait(900);
  expect(world.log).toEqual(["silent 30500"]);
  expect(pulse.silent).toBe(true);
  world.pair = "second";
  world.everyMs = 20;
  await wait(100);
  expect(world.log).toEqual(["silent 30500", "heard 31000"]);
});

test("silence after beats, a jittery path or a short acquaintance takes up to 300 ms longer", async () => {
  for (const [everyMs, acquainted] of [
    [300, 30_000],
    [200, 30_000],
    [20, 1_000],
  ] as const) {
    const { world, pulse, wait } = feel(everyMs);
    pulse.promised(300);
    await wait(acquainted);
    world.everyMs = 0;
    await wait(1_000);
    expect(world.log).toHaveLength(1);
    const after = Number(world.log[0]?.split(" ")[1]) - acquainted;
    expect(after).toBeGreaterThanOrEqual(500);
    expect(after).toBeLessThanOrEqual(900);
    pulse.close();
  }
});

test("one who is muted and keeps the promise is there; so is one who is hidden and promises less", async () => {
  const muted = feel(300);
  muted.world.sending = false;
  muted.pulse.promised(300);
  await muted.wait(60_000);
  const hidden = feel(1_500);
  hidden.pulse.promised(1_500);
  await hidden.wait(60_000);
  expect([...muted.world.log, ...hidden.world.log]).toEqual([]);
});

test("one who promised nothing may be muted; who says that it sends may pause for three seconds", async () => {
  const { world, wait } = feel(0);
  world.sending = false;
  await wait(20_000);
  expect(world.log).toEqual([]);
  world.sending = true;
  await wait(100);
  expect(world.log).toHaveLength(1);
});

test("time in which this machine did not look says nothing", async () => {
  const { world, pulse, wait } = feel(20);
  pulse.promised(300);
  await wait(1_000);
  world.everyMs = 0;
  await wait(300);
  const now = vi.spyOn(performance, "now");
  const late = performance.now() + 5_000;
  now.mockReturnValue(late); // one look comes five seconds late
  await wait(100);
  expect(world.log).toEqual([]);
  now.mockRestore();
  world.everyMs = 20;
  await wait(1_000);
  expect(world.log).toEqual([]);
});

test("after a sign that the network has changed less silence is enough, for three seconds", async () => {
  const { world, pulse, wait } = feel(20);
  pulse.promised(300);
  await wait(1_000);
  pulse.suspect();
  await wait(1_000);
  world.everyMs = 0;
  await wait(500);
  expect(world.log).toEqual(["silent 2500"]);
});

test("after an alarm that was none, by the same path, it is more patient", async () => {
  const { world, pulse, wait } = feel(20);
  pulse.promised(300);
  await wait(1_000);
  const pause = async (ms: number) => {
    world.everyMs = 0;
    await wait(ms);
    world.everyMs = 20;
    await wait(1_000);
  };
  await pause(1_000);
  expect(world.log).toHaveLength(2); // silent, heard
  await pause(1_000);
  expect(world.log).toHaveLength(2);
  await wait(30_000);
  await pause(1_000);
  expect(world.log).toHaveLength(4);
});

test("who sends media need not beat beyond the first promise; who is silent beats thrice a second", async () => {
  const { world, wait } = feel(20);
  await wait(5_000);
  expect(world.beats).toEqual([300]);
  world.speaking = false;
  await wait(10_000);
  const beats = world.beats.length - 1;
  expect(beats).toBeGreaterThanOrEqual(30); // at least every 300 ms
  expect(beats).toBeLessThanOrEqual(50);
  world.hidden = true;
  await wait(100);
  expect(world.beats.at(-1)).toBe(1_500); // said at once
});

test("another connection is felt from the beginning", async () => {
  const { world, pulse, wait } = feel(20);
  pulse.promised(300);
  await wait(1_000);
  world.everyMs = 0;
  await wait(1_000);
  world.bound = false;
  pulse.renew();
  expect(pulse.silent).toBe(false);
  await wait(5_000);
  expect(world.log).toHaveLength(1);
  world.bound = true;
  await wait(100);
  expect(world.beats).toEqual([300, 300]); // the new one is promised, too
});

test("a second connection to the same page, dead as the first: that is noticed as soon", async () => {
  const { world, pulse, wait } = feel(20);
  pulse.promised(300);
  await wait(1_000);
  world.everyMs = 0;
  await wait(1_000);
  pulse.renew(true);
  expect(pulse.silent).toBe(false);
  await wait(1_000);
  expect(pulse.silent).toBe(true);
});
