import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { Line } from "./line.ts";

/** A minute of a line, and between which numbers what is found has to be. Times in s, but for `late`, `ahead`, `looks`. */
interface Case {
  name: string;
  loss?: [number, number]; // every fifth packet is lost
  outage?: [number, number]; // nothing comes
  late?: number[]; // ms by which a report is held up
  ahead?: number; // ms, the sender's clock
  looks?: number; // ms between two
  busy?: [number, number]; // three times as much is sent
  anew?: number; // it goes on with another count
  twice?: boolean; // every tenth packet comes twice
  silent?: boolean; // it does not count
  want: { lost: [number, number]; lossy: [number, number] } | null;
}

// The native client reads them, too.
const file = new URL("../../../../protocol/testdata/vectors/line.json", import.meta.url);
const cases = JSON.parse(readFileSync(file, "utf8")) as Case[];

const END_MS = 60_000;
const STEP_MS = 10;
const WAY_MS = 50;
const within = (t: number, stretch?: [number, number]) =>
  stretch !== undefined && t >= stretch[0] * 1_000 && t < stretch[1] * 1_000;

/** A packet each 10 ms, a report each 5 s; the other end looks once a second, at moments of its own. */
function run({ loss, outage, busy, late = [], ahead = 0, looks = 1_000, anew = Infinity, twice, silent }: Case) {
  const line = new Line();
  const reports: { due: number; at: number; sent: number; path: number }[] = [];
  const arriving: { due: number; count: number }[] = [];
  let [sent, came, seen] = [0, 0, -1];
  for (let t = 0; t < END_MS; t += STEP_MS) {
    const packets = within(t, busy) ? 3 : 1;
    sent += packets;
    const lost = within(t, outage) || (within(t, loss) && sent % 5 === 0);
    if (!lost) arriving.push({ due: t + WAY_MS, count: twice && sent % 10 === 0 ? 2 : packets });
    while ((arriving[0]?.due ?? Infinity) <= t) came += arriving.shift()?.count ?? 0;
    if (t % 5_000 === 0 && t > 0) {
      const held = within(t, outage) ? (outage?.[1] ?? 0) * 1_000 - t : 0;
      const due = t + WAY_MS + held + (late[t / 5_000 - 1] ?? 0);
      const counted = t >= anew * 1_000 ? { sent: sent + 9_000, path: 1 } : { sent, path: 0 };
      reports.push({ due, at: t + ahead, ...counted, ...(silent && { sent: 0 }) });
    }
    // In order, as a data channel delivers.
    while ((reports[0]?.due ?? Infinity) <= t) {
      const report = reports.shift();
      if (report && report.sent > 0) line.heard(report, t);
    }
    if (t % looks !== 320) continue;
    if (came === seen) line.cut();
    else line.look(t, came);
    seen = came;
  }
  return line.take(END_MS);
}

test.each(cases)("$name", (c) => {
  const found = run(c);
  if (!c.want || !found) return void expect(found).toBe(c.want);
  for (const key of ["lost", "lossy"] as const) {
    expect(found[key], key).toBeGreaterThanOrEqual(c.want[key][0]);
    expect(found[key], key).toBeLessThanOrEqual(c.want[key][1]);
  }
});

test("what was found is told once, and a line of which nothing is heard is not known", () => {
  const line = new Line();
  for (let at = 0; at <= 20_000; at += 1_000) {
    if (at % 5_000 === 0) line.heard({ at, sent: at / 10, path: 0 }, at);
    line.look(at, at / 10);
  }
  expect(line.take(20_000)).toEqual({ packets: 2_000, lost: 0, lossy: 0 });
  expect(line.take(20_000)).toEqual({ packets: 0, lost: 0, lossy: 0 });
  expect(line.take(60_000)).toBeNull();
});
