import { expect, test } from "vitest";
import { QualityLog } from "./log.ts";
import { nothing, type Tally } from "./tally.ts";

const five: Tally = { ...nothing, ms: 5_000, packets: 500, rtt: 40, kbps: 2_000 };

/** Three minutes of reports; `fault` is added to mine in the second of them. */
function logOf(mine: Partial<Tally>, theirs: Partial<Tally> = {}): QualityLog {
  const log = new QualityLog();
  for (let at = 5_000; at <= 180_000; at += 5_000) {
    const second = at > 60_000 && at <= 120_000;
    log.mine(at, { ...five, ...(second && mine) });
    log.theirs(at, { ...five, ...(second && theirs) });
  }
  return log;
}

test("the worst minute, its side and its cause", () => {
  expect(logOf({ busy: 3_000 }).receipt()).toMatchObject({
    measuredMs: 180_000,
    reported: true,
    worst: { minute: 2, side: "mine", cause: "cpu", value: 36 },
  });
  expect(logOf({}, { hidden: 5_000 }).receipt().worst).toMatchObject({
    minute: 2,
    side: "theirs",
    cause: "background",
  });
});

test("it says from when on it has measured: a page that was reloaded has forgotten what was before", () => {
  expect(logOf({}).receipt().fromMs).toBe(0);
  const log = new QualityLog();
  log.theirs(199_000, five);
  log.mine(205_000, { ...five, busy: 4_000 });
  expect(log.receipt()).toMatchObject({ fromMs: 200_000, measuredMs: 5_000, worst: { minute: 4 } });
});

test("a good call has no worst minute", () => {
  expect(logOf({ hidden: 300 }).receipt().worst).toBeNull();
});

test("a report that comes late counts in its own minute", () => {
  const log = logOf({});
  expect(log.theirs(59_000, { ...five, stalled: 5_000 })).toBe(true);
  expect(log.receipt().worst).toMatchObject({ minute: 1, cause: "interrupted", value: 5 });
  expect(log.theirs(59_000, { ...five, stalled: 5_000 })).toBe(false); // said once more over another connection
  expect(log.receipt().worst).toMatchObject({ value: 5 });
});

test("the history of paths keeps the first and the latest", () => {
  const log = new QualityLog();
  const path = { kind: "relayed", protocol: "udp", family: null, rttMs: 1, quality: "good" } as const;
  log.path(0, { ...path, relay: "first" });
  log.path(900, { ...path, relay: "first", rttMs: 9 });
  for (let i = 0; i < 20; i++) log.path(1_000 * i, { ...path, relay: `r${i}` });
  const { paths } = log.receipt();
  expect(paths.map(({ relay }) => relay)).toEqual(["first", "r13", "r14", "r15", "r16", "r17", "r18", "r19"]);
});

test("whatever the other side claims, a day is the end and a minute is full some time", () => {
  const log = new QualityLog();
  for (let i = 0; i < 100_000; i++) log.theirs(4_000_000_000 + i, { ...five, lost: 4_000_000_000 });
  expect(log.receipt().worst?.minute).toBe(24 * 60);
  expect(log.receipt().worst?.weight).toBeLessThanOrEqual(130_000);
});
