import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  networkVerdict,
  nothingKnown,
  pingFacts,
  steadyKbps,
  type LineFacts,
  type NetworkPaths,
  type NetworkProblem,
} from "./network.ts";

const fine: LineFacts = { rttMs: 40, jitterMs: 2, lossUp: 0, lossDown: 0, upKbps: 2000, downKbps: 2000 };
const works = (facts: Partial<LineFacts> = {}) => ({ state: "works", facts: { ...fine, ...facts } }) as const;
const blocked = { state: "blocked" } as const;
const absent = { state: "absent" } as const;
const by = (paths: Partial<NetworkPaths>): NetworkPaths => ({ ...nothingKnown, ...paths });

test.each<[string, NetworkPaths, NetworkProblem | null, string, string]>([
  ["all is well", by({ udp: works() }), null, "good", "good"],
  ["rates not measured", by({ udp: works({ upKbps: null, downKbps: null }) }), null, "good", "good"],
  ["4.9 % lost", by({ udp: works({ lossUp: 0.049 }) }), null, "good", "good"],
  ["5 % lost on the way up", by({ udp: works({ lossUp: 0.05 }) }), null, "fair", "loss"],
  ["10 % lost on the way down", by({ udp: works({ lossDown: 0.1 }) }), null, "poor", "loss"],
  ["299 ms", by({ udp: works({ rttMs: 299 }) }), null, "good", "good"],
  ["300 ms", by({ udp: works({ rttMs: 300 }) }), null, "fair", "delay"],
  ["500 ms", by({ udp: works({ rttMs: 500 }) }), null, "poor", "delay"],
  ["30 ms of jitter", by({ udp: works({ jitterMs: 30 }) }), null, "fair", "jitter"],
  ["60 ms of jitter", by({ udp: works({ jitterMs: 60 }) }), null, "poor", "jitter"],
  ["1.1 Mbit/s each way", by({ udp: works({ upKbps: 1100, downKbps: 1100 }) }), null, "good", "good"],
  ["1.0 Mbit/s up", by({ udp: works({ upKbps: 1000 }) }), null, "fair", "slow-up"],
  ["0.3 Mbit/s down", by({ udp: works({ downKbps: 300 }) }), null, "poor", "slow-down"],
  ["the worst counts", by({ udp: works({ rttMs: 400, upKbps: 100 }) }), null, "poor", "slow-up"],
  ["of equals the first", by({ udp: works({ rttMs: 400, lossUp: 0.06 }) }), null, "fair", "loss"],
  ["only TCP", by({ udp: blocked, tcp: works() }), null, "fair", "no-udp"],
  ["only TLS", by({ udp: blocked, tcp: blocked, tls: works() }), null, "fair", "no-udp"],
  ["TCP, and poor", by({ udp: blocked, tcp: works({ rttMs: 900 }) }), null, "poor", "delay"],
  ["UDP counts, not a bad TCP", by({ udp: works(), tcp: works({ rttMs: 900 }) }), null, "good", "good"],
  ["nothing gets through", by({ udp: blocked, tcp: blocked, tls: absent }), null, "poor", "blocked"],
  ["being measured", nothingKnown, null, "working", "measuring"],
  ["offline", nothingKnown, "offline", "unknown", "offline"],
  ["server away", nothingKnown, "away", "unknown", "away"],
  ["server busy", nothingKnown, "busy", "unknown", "busy"],
  ["busy later on", by({ udp: works() }), "busy", "good", "good"],
])("%s", (_, paths, problem, light, finding) => {
  expect(networkVerdict(paths, problem)).toMatchObject({ light, finding });
});

test("a line that is worse in everything is never called better", () => {
  const facts = fc.record({
    rttMs: fc.double({ min: 0, max: 2000, noNaN: true }),
    jitterMs: fc.double({ min: 0, max: 200, noNaN: true }),
    lossUp: fc.double({ min: 0, max: 1, noNaN: true }),
    lossDown: fc.double({ min: 0, max: 1, noNaN: true }),
    upKbps: fc.double({ min: 0, max: 5000, noNaN: true }),
    downKbps: fc.double({ min: 0, max: 5000, noNaN: true }),
  });
  const order = ["good", "fair", "poor"];
  const rank = (f: LineFacts) => order.indexOf(networkVerdict(by({ udp: works(f) }), null).light);
  fc.assert(
    fc.property(facts, facts, (a, b) => {
      const worst: LineFacts = {
        rttMs: Math.max(a.rttMs, b.rttMs),
        jitterMs: Math.max(a.jitterMs, b.jitterMs),
        lossUp: Math.max(a.lossUp, b.lossUp),
        lossDown: Math.max(a.lossDown, b.lossDown),
        upKbps: Math.min(a.upKbps, b.upKbps),
        downKbps: Math.min(a.downKbps, b.downKbps),
      };
      expect(rank(worst)).toBeGreaterThanOrEqual(rank(a));
    }),
  );
});

test("loss is told apart by direction", () => {
  // Ten were sent, two got lost on the way up, two of the echoes on the way down.
  const pongs = [0, 1, 2, 3, 4, 5].map((n) => ({ n, rttMs: 100, had: n + 1 }));
  pongs[5] = { n: 9, rttMs: 100, had: 8 };
  expect(pingFacts(10, pongs)).toEqual({
    rttMs: 100,
    jitterMs: 0,
    lossUp: expect.closeTo(0.2),
    lossDown: expect.closeTo(0.25),
  });
});

test("round trip is the middle one, jitter the mean step, in the order of sending", () => {
  const pongs = [
    { n: 2, rttMs: 50, had: 2 },
    { n: 0, rttMs: 40, had: 1 },
    { n: 3, rttMs: 900, had: 3 },
  ];
  expect(pingFacts(3, pongs)).toMatchObject({ rttMs: 50, jitterMs: (10 + 850) / 2, lossUp: 0, lossDown: 0 });
});

test("no echo is no measurement", () => {
  expect(pingFacts(10, [])).toBeNull();
});

test("the rate is that of the settled part", () => {
  // 2 s in bins of 200 ms; 25 kB a bin are 1 Mbit/s. What comes after the burst is late, and not counted.
  const bins = [0, 0, 5_000, 10_000, ...Array<number>(6).fill(25_000), 90_000];
  expect(steadyKbps(bins, 10, 200)).toBeCloseTo(1000);
  expect(steadyKbps([], 10, 200)).toBe(0);
});
