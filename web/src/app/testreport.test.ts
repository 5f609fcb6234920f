import { expect, test } from "vitest";
import type { NetworkPaths } from "./netcheck.svelte.ts";
import { deviceFinding, surroundings, testReport } from "./testreport.ts";

const at = Date.UTC(2026, 4, 3, 9, 41, 27);

/** As much about a person as the browser lets a page know. */
const planted = {
  userAgent:
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.7891.42 Safari/537.36 Edg/156.0.1234.56",
  maxTouchPoints: 0,
  label: "Mara's AirPods Pro",
  id: "c0ffee00c0ffee00",
  address: "203.0.113.77",
};

const media = {
  micOn: true,
  cameraOn: false,
  micProblem: null,
  cameraProblem: "in-use",
  micId: planted.id,
  mics: [{ id: planted.id, label: planted.label }],
} as const;

const paths: NetworkPaths = {
  udp: {
    state: "works",
    facts: { rttMs: 41.6, jitterMs: 2.2, lossUp: 0.021, lossDown: 0, upKbps: 1893, downKbps: 1990 },
  },
  tcp: { state: "blocked" },
  tls: { state: "absent" },
};

function report(): string {
  return testReport(
    {
      version: "1.2.3",
      at,
      ...surroundings(planted),
      findings: [
        { part: "camera", text: deviceFinding("camera", media), at },
        { part: "mic", text: deviceFinding("mic", media), at: at - 60_000 },
      ],
      paths,
    },
    "en",
  );
}

test("says what was found, and when", () => {
  const text = report();
  expect(text).toContain("2026-05-03 09:41 UTC");
  expect(text).toContain("2026-05-03 09:40 UTC");
  expect(text).toContain("edge 156");
  expect(text).toContain("linux");
  expect(text).toContain("in-use");
  for (const figure of ["42", "2.1", "1.9", "2 "]) expect(text).toContain(figure);
  expect(text.split("\n").length).toBeGreaterThan(7);
});

test("says nothing about whose device it is", () => {
  const text = report();
  for (const secret of [planted.label, planted.id, planted.address, "AirPods", "7891", "1234.56", "X11", "09:41:27"]) {
    expect(text).not.toContain(secret);
  }
  expect(text).not.toMatch(/\d+\.\d+\.\d+\.\d+/);
});
