import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Report } from "../../protocol/sealed.gen.ts";
import type { Negotiation } from "../negotiation.ts";
import type { CallState } from "../state.ts";
import { Watch } from "./watch.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** One end of a call: what its browser counts, and the watch on it. */
class End {
  readonly counts = { packetsSent: 0, packetsReceived: 0, bytesReceived: 0, framesDecoded: 0 };
  readonly sent: Report[] = [];
  readonly view = {
    liveSince: Date.now(),
    remote: { mic: true, cam: true, screen: false, held: null as string | null },
    held: null as string | null,
    error: null as { code: string } | null,
    path: null,
  };
  kbps = 2_000;
  up = true; // the data channel
  swallowed = false; // what goes into it
  readonly watch: Watch;

  constructor(counts: boolean, send: (report: Report) => void) {
    const stats = () =>
      new Map(
        [
          { id: "T", type: "transport", ...(counts && this.counts), selectedCandidatePairId: "P" },
          { id: "P", type: "candidate-pair", currentRoundTripTime: 0.02, availableOutgoingBitrate: this.kbps * 1_000 },
          // All that is lost comes when it is sent again: nothing is missing in the end.
          { id: "V", type: "inbound-rtp", ...this.counts, packetsLost: 0 },
        ].map((entry) => [entry.id, entry]),
      );
    const connection = { connected: true, gen: 0, pc: { getStats: () => Promise.resolve(stats()) } };
    const state = { view: this.view, options: { media: { fates: {} } }, set: () => undefined };
    this.watch = new Watch({
      state: state as unknown as CallState,
      negotiation: () => connection as unknown as Negotiation,
      hidden: () => false,
      throttled: () => false,
      send: (report) => {
        if (this.up && !this.swallowed) send(report);
        return this.up;
      },
    });
  }
}

type Lose = (n: number, to: "first" | "second") => boolean;

/** Media flows for so many seconds; `lose` says whether a packet is lost, be it only at first. */
async function flow([a, b]: readonly [End, End], seconds: number, lose: Lose = () => false) {
  for (let i = 0; i < seconds * 10; i++) {
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const)
      for (let n = 0; n < 10; n++) {
        from.counts.packetsSent++;
        if (lose(from.counts.packetsSent, to === a ? "first" : "second")) continue;
        to.counts.packetsReceived++;
        to.counts.bytesReceived += 900;
        if (n % 4 === 0) to.counts.framesDecoded++;
      }
    await vi.advanceTimersByTimeAsync(100);
  }
}

function call(counts = true): readonly [End, End] {
  const a: End = new End(counts, (report) => b.watch.receive(report));
  const b: End = new End(true, (report) => a.watch.receive(report));
  return [a, b];
}

const fifth: Lose = (n, to) => to === "second" && n % 5 === 0;

test("a line that loses every fifth packet is named by both, though all of them come when sent again", async () => {
  const ends = call();
  await flow(ends, 12);
  await flow(ends, 20, fifth);
  await flow(ends, 12);
  const [mine, theirs] = ends.map(({ watch }) => watch.receipt()?.worst);
  expect(mine).toMatchObject({ minute: 1, side: "mine", cause: "loss" });
  expect(theirs).toMatchObject({ minute: 1, side: "theirs", cause: "loss", weight: mine?.weight, value: mine?.value });
  expect(mine?.value).toBeGreaterThanOrEqual(15);
  expect(mine?.value).toBeLessThanOrEqual(22);
  expect(mine?.weight).toBeLessThan(16_000); // of twenty seconds, not of the minute
});

test("of a sender that does not count nothing is made up", async () => {
  const ends = call(false);
  await flow(ends, 32, fifth);
  expect(ends.map(({ watch }) => watch.receipt()?.worst)).toEqual([null, null]);
});

test("an outage is no loss; reports wait for its end, and both have the same then", async () => {
  const ends = call();
  const [a, b] = ends;
  await flow(ends, 12);
  a.up = b.up = false;
  a.view.error = { code: "offline" };
  await flow(ends, 18, () => true);
  expect(b.watch.receipt()?.worst).toMatchObject({ side: "between", cause: "interrupted" }); // as far as it knows
  a.up = b.up = true;
  a.view.error = null;
  await flow(ends, 12);
  const [mine, theirs] = ends.map(({ watch }) => watch.receipt());
  expect(mine?.worst).toMatchObject({ minute: 1, side: "mine", cause: "offline", value: 18 });
  expect(theirs?.worst).toEqual({ ...mine?.worst, side: "theirs" });
  expect(mine?.worst?.weight).toBeLessThan(20_000); // nothing is counted twice
});

test("who leaves before all has been said says it with the goodbye; what was said twice counts once", async () => {
  const ends = call();
  const [a, b] = ends;
  await flow(ends, 12);
  a.watch.renew(); // two reports are said again, and known
  a.up = b.up = false;
  a.view.error = { code: "offline" };
  await flow(ends, 13, () => true);
  const bye = a.watch.last();
  expect(bye).toMatchObject({ t: "report", at: 25_000, away: 13_000, stalled: 13_000, sent: 2_500 });
  if (bye) b.watch.receive(bye);
  expect(b.watch.receipt()?.worst).toMatchObject({ side: "theirs", cause: "offline" });
  expect(a.watch.last()).toBeNull();
});

test("what was said over a connection that is lost is said again, and counts once", async () => {
  const ends = call();
  const [a, b] = ends;
  await flow(ends, 4);
  a.view.error = { code: "offline" };
  a.swallowed = true; // the report leaves, and never comes
  await flow(ends, 7, () => true);
  a.view.error = null;
  a.swallowed = false;
  a.watch.renew();
  await flow(ends, 6);
  a.watch.renew();
  await flow(ends, 6);
  const worst = a.watch.receipt()?.worst;
  expect(worst).toMatchObject({ side: "mine", cause: "offline", value: 7 });
  expect(b.watch.receipt()?.worst).toEqual({ ...worst, side: "theirs" });
});

/** Eleven seconds without a picture from the first end. */
async function pause(ends: readonly [End, End], held: string) {
  const [a, b] = ends;
  await flow(ends, 12);
  a.view.held = b.view.remote.held = held;
  for (let i = 0; i < 11; i++) {
    const { framesDecoded } = b.counts;
    await flow(ends, 1);
    b.counts.framesDecoded = framesDecoded;
  }
  a.view.held = b.view.remote.held = null;
}

test("a picture that pauses for want of a line is the line of its sender", async () => {
  const ends = call();
  await flow(ends, 2);
  ends[0].kbps = 50;
  await pause(ends, "network");
  ends[0].kbps = 2_000;
  await flow(ends, 8);
  const [mine, theirs] = ends.map(({ watch }) => watch.receipt()?.worst);
  expect(mine).toMatchObject({ side: "mine", cause: "uplink", value: 50 });
  expect(theirs).toMatchObject({ side: "theirs", cause: "uplink", value: 50 });
});

test("a picture that nobody wanted to send is no trouble", async () => {
  const ends = call();
  await pause(ends, "saver");
  await flow(ends, 8);
  expect(ends.map(({ watch }) => watch.receipt()?.worst)).toEqual([null, null]);
});
