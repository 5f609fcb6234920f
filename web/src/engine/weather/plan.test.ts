import { expect, test } from "vitest";
import { firstMemory, learn, planFor, type Memory, type Wishes } from "./plan.ts";
import type { Reading } from "./reading.ts";

const clear: Reading = {
  availableKbps: 5_000,
  rttMs: 40,
  lossOut: 0,
  lossIn: 0,
  encodeMs: 5,
  cpuLimited: false,
  codec: "VP9",
  lines: 720,
};
const full: Wishes = { mine: "full", theirs: "full", screen: false, music: false };

/** The memory after so many seconds of this weather. */
function after(seconds: number, weather: Partial<Reading>, wishes: Wishes = full, from: Memory = firstMemory): Memory {
  let memory = from;
  for (let i = 0; i < seconds; i++) memory = learn(memory, { ...clear, ...weather }, wishes);
  return memory;
}
const video = (m: Memory, wishes: Wishes = full) => planFor(m, 40, wishes).video;

test("the first picture is small, so that it is there soon, and what follows is not", () => {
  expect(video(firstMemory).lines).toBe(180);
  expect(video(after(2, { encodeMs: null })).lines).toBe(180); // none has left
  expect(video(after(1, {})).lines).toBe(720);
});

test("the first seconds are the browser's own", () => {
  expect(video(after(3, { availableKbps: 40, lossOut: 0.3 }))).toMatchObject({ lines: 720, fps: 30, active: true });
});

test.each([
  ["fibre", { availableKbps: 5_000 }, 1080, 30, 32],
  ["fibre, but frames take long", { availableKbps: 5_000, encodeMs: 12 }, 720, 30, 32],
  ["a good line", { availableKbps: 1_500 }, 720, 30, 32],
  ["500 kbit/s", { availableKbps: 500 }, 540, 30, 32],
  ["250 kbit/s", { availableKbps: 250 }, 360, 25, 20],
  ["150 kbit/s", { availableKbps: 150 }, 270, 15, 10],
  ["100 kbit/s", { availableKbps: 100 }, 180, 6, 10],
  ["5 % loss with room", { lossOut: 0.05 }, 540, 30, 32],
  ["20 % loss with room", { lossOut: 0.2 }, 360, 25, 32],
])("%s", (_, weather, lines, fps, kbps) => {
  const memory = after(20, weather);
  expect(video(memory)).toMatchObject({ lines, fps, active: true });
  expect(planFor(memory, 40, full).audio.kbps).toBe(kbps);
});

test.each([
  [5_000, 160],
  [800, 160],
  [400, 64],
  [250, 40],
  [100, 10],
])("an instrument, with %d kbit/s", (availableKbps, kbps) => {
  const music: Wishes = { ...full, music: true };
  expect(planFor(after(20, { availableKbps }, music), 40, music).audio.kbps).toBe(kbps);
});

test("what sound needs is taken off before video gets any", () => {
  // 140 kbit/s of video would fit alone, but not beside the sound.
  expect(video(after(20, { availableKbps: 160 })).lines).toBe(270);
});

test("goes down within two seconds and up after five", () => {
  const good = after(10, { availableKbps: 1_500 });
  expect(video(after(1, { availableKbps: 250 }, full, good)).lines).toBe(360); // two steps at once: no time to lose
  expect(video(after(1, { availableKbps: 600 }, full, good)).lines).toBe(720);
  const less = after(2, { availableKbps: 600 }, full, good);
  expect(video(less).lines).toBe(540);
  expect(video(after(4, { availableKbps: 1_500 }, full, less)).lines).toBe(540);
  expect(video(after(5, { availableKbps: 1_500 }, full, less)).lines).toBe(720);
});

test("does not swing at the edge of a step", () => {
  const sizes = new Set<number>();
  let memory = after(20, { availableKbps: 430 });
  for (let i = 0; i < 60; i++) {
    memory = after(1, { availableKbps: i % 2 ? 400 : 460 }, full, memory);
    sizes.add(video(memory).lines);
  }
  expect(sizes.size).toBe(1);
});

test("below 60 kbit/s video pauses, says so, and comes back by itself", () => {
  const poor = after(6, { availableKbps: 50 });
  expect(planFor(poor, 40, full)).toMatchObject({ held: "network", video: { active: false } });
  expect(planFor(after(7, { availableKbps: 50 }, full, poor), 40, full).held).toBe("network");
  expect(planFor(after(8, { availableKbps: 50 }, full, poor), 40, full).held).toBeNull(); // a try
  const again = after(11, { availableKbps: 50 }, full, poor);
  expect(planFor(again, 40, full).held).toBe("network");
  expect(planFor(after(15, { availableKbps: 50 }, full, again), 40, full).held).toBe("network"); // 16 s this time
  const better = after(1, { availableKbps: 200 }, full, again);
  expect(planFor(better, 40, full)).toMatchObject({ held: null, video: { active: true, lines: 180 } });
});

test.each<[string, Partial<Wishes>, string]>([
  ["this side is audio only", { mine: "none" }, "saver"],
  ["the other side wants none", { theirs: "none" }, "asked"],
])("no video at all: %s", (_, wish, held) => {
  const wishes = { ...full, ...wish };
  expect(planFor(after(5, {}, wishes), 40, wishes)).toMatchObject({ held, video: { active: false } });
});

test.each([{ mine: "small" }, { theirs: "small" }] as const)("data saver: %o", (wish) => {
  const wishes = { ...full, ...wish };
  const plan = video(after(20, {}, wishes), wishes);
  expect(plan).toMatchObject({ lines: 360, active: true });
  expect(plan.kbps).toBeLessThanOrEqual(300);
});

test("the camera makes room for a screen", () => {
  const wishes = { ...full, screen: true };
  expect(video(after(20, {}, wishes), wishes).lines).toBe(360);
});

test("while nothing is sent the estimate of the network means nothing", () => {
  const quiet = after(60, { availableKbps: 90, lines: 0, encodeMs: null });
  expect(video(after(1, { availableKbps: 90 }, full, quiet)).lines).toBe(720);
  expect(planFor(quiet, 40, full)).toMatchObject({ held: null, audio: { kbps: 10 } }); // but sound has to fit
});

test("a camera delivers 1080 lines where they fit, and few where few are sent for long", () => {
  expect(planFor(after(20, {}), 40, full).camera).toBe(1080);
  expect(planFor(after(20, { availableKbps: 150 }), 40, full).camera).toBe(720);
  expect(planFor(after(60, { availableKbps: 150 }), 40, full).camera).toBe(360);
});

test("1080 lines that turn out too dear go back to 720", () => {
  const hd = after(20, {});
  const dear = after(3, { lines: 1080, encodeMs: 25 }, full, hd);
  expect(video(dear).lines).toBe(720);
});

test("arriving media waits for what is missing only while something is", () => {
  expect(planFor(after(5, {}), 40, full).playout).toEqual({ audioMs: null, videoMs: null });
  expect(planFor(after(5, { lossIn: 0.1 }), 40, full).playout).toEqual({ audioMs: 100, videoMs: 140 });
});
