import { expect, test } from "vitest";
import type { Counters } from "./counters.ts";
import { add, measure, nothing, type Situation } from "./tally.ts";

const before: Counters = {
  bytes: 1_000,
  media: 900,
  packets: 100,
  lost: 5,
  sent: 0,
  came: 0,
  frames: 300,
  made: 0,
  samples: 480_000,
  rtt: 40,
  kbps: 900,
  limit: "none",
};
const after: Counters = { ...before, bytes: 101_000, media: 99_900, packets: 200, frames: 330, samples: 528_000 };
const live: Situation = {
  hidden: false,
  throttled: false,
  away: false,
  noMic: false,
  noCam: false,
  hears: true,
  sees: true,
  held: false,
  again: false,
  joined: true,
};

test("a second in which all is well", () => {
  expect(measure(before, after, live, 1_000, 0)).toEqual({
    ...nothing,
    ms: 1_000,
    packets: 100,
    bytes: 99_000,
    rtt: 40,
    kbps: 900,
  });
});

test.each([
  ["packets that did not come", { lost: 25 }, {}, { lost: 20 }],
  ["a packet that came late after all", { lost: 4 }, {}, { lost: 0 }],
  ["a picture that stands still", { frames: 300 }, {}, { frozen: 1_000 }],
  ["no picture, but nobody sends one", { frames: 300 }, { sees: false }, { frozen: 0 }],
  ["a tenth of the sound made up", { made: 4_800 }, {}, { gaps: 100 }],
  ["made up, but they are muted", { made: 4_800 }, { hears: false }, { gaps: 0 }],
  ["nothing at all arrives", { bytes: 1_000 }, {}, { stalled: 1_000, packets: 0 }],
  ["nothing arrives, nothing is sent", { bytes: 1_000 }, { hears: false, sees: false }, { stalled: 0 }],
  ["a line too thin", { limit: "bandwidth" as const, kbps: 90 }, {}, { tight: 1_000 }],
  ["a line that is no line for HD, but will do", { limit: "bandwidth" as const, kbps: 900 }, {}, { tight: 0 }],
  ["no picture leaves, for want of a line", { kbps: 50 }, { held: true }, { tight: 1_000, kbps: 50 }],
  ["none leaves yet, though the line is good again", { kbps: 800 }, { held: true }, { tight: 0 }],
  ["an encoder without a processor", { limit: "cpu" as const }, {}, { slow: 1_000, busy: 0 }],
  ["the first packet after a silence", { lost: 905 }, { again: true }, { packets: 0, lost: 0, bytes: 99_000 }],
  ["the background", {}, { hidden: true }, { hidden: 1_000 }],
  ["no server", {}, { away: true }, { away: 1_000 }],
  ["no microphone", {}, { noMic: true }, { no_mic: 1_000 }],
])("%s", (_, counters, situation, want) => {
  expect(measure(before, { ...after, ...counters }, { ...live, ...situation }, 1_000, 0)).toMatchObject(want);
});

test("timers that do not run had no processor; if it lasts, the device was asleep", () => {
  expect(measure(before, after, live, 1_900, 900)).toMatchObject({ busy: 900, hidden: 0 });
  const background = { ...live, throttled: true };
  expect(measure(before, after, { ...background, hidden: true }, 1_900, 900)).toMatchObject({ busy: 0, hidden: 1_900 });
  expect(measure(before, after, background, 1_900, 900)).toMatchObject({ busy: 0, hidden: 0 }); // a small window shows the call
  expect(measure(before, after, live, 90_000, 89_000)).toMatchObject({ busy: 0, hidden: 90_000, stalled: 0 });
});

test("no connection is a stall, the first look at a new one is nothing", () => {
  expect(measure(before, null, live, 1_000, 0)).toMatchObject({ stalled: 1_000 });
  expect(measure(null, after, live, 1_000, 0)).toMatchObject({ stalled: 0, packets: 0 });
  expect(measure(before, null, { ...live, joined: false }, 1_000, 0)).toMatchObject({ stalled: 0 });
});

test("times and counts add up, round trips and rates are means", () => {
  const sum = add(
    { ...nothing, ms: 1_000, lost: 1, rtt: 100, kbps: 0 },
    { ...nothing, ms: 3_000, lost: 2, rtt: 200, kbps: 80 },
  );
  expect(sum).toMatchObject({ ms: 4_000, lost: 3, rtt: 175, kbps: 80 });
  const thin = add({ ...nothing, ms: 9_000, kbps: 2_000 }, { ...nothing, ms: 1_000, tight: 1_000, kbps: 100 });
  expect(thin).toMatchObject({ tight: 1_000, kbps: 100 });
  const queue = add({ ...nothing, ms: 9_000, rtt: 20 }, { ...nothing, ms: 1_000, tight: 1_000, rtt: 900 });
  expect(queue).toMatchObject({ rtt: 900 });
});

test("of a line that loses packets for a while, the share is that of the while", () => {
  const well = { ...nothing, ms: 5_000, packets: 900, lost: 1 };
  const poor = { ...nothing, ms: 5_000, packets: 400, lost: 100, lossy: 5_000 };
  expect(add(add(well, poor), well)).toMatchObject({ ms: 15_000, packets: 400, lost: 100, lossy: 5_000 });
  expect(add(poor, poor)).toMatchObject({ packets: 800, lost: 200, lossy: 10_000 });
  expect(add(well, well)).toMatchObject({ packets: 1_800, lost: 2, lossy: 0 });
});
