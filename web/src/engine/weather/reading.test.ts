import { expect, test } from "vitest";
import { readingOf, readTotals } from "./reading.ts";

function report(n: number): [string, Record<string, unknown>][] {
  const entries = [
    { id: "T", type: "transport", selectedCandidatePairId: "P" },
    { id: "P", type: "candidate-pair", availableOutgoingBitrate: 640_000, currentRoundTripTime: 0.05 },
    { id: "C", type: "codec", mimeType: "video/VP9" },
    { id: "S", type: "media-source", width: 720, height: 1280 },
    {
      id: "V",
      type: "outbound-rtp",
      mid: "1",
      codecId: "C",
      mediaSourceId: "S",
      framesEncoded: 30 * n,
      totalEncodeTime: 0.3 * n,
      packetsSent: 50 * n,
      qualityLimitationReason: "none",
    },
    { id: "A", type: "outbound-rtp", mid: "0", packetsSent: 50 * n },
    { id: "R", type: "remote-inbound-rtp", packetsLost: 10 * n },
    { id: "I", type: "inbound-rtp", packetsReceived: 90 * n, packetsLost: 10 * n },
  ];
  return entries.map((e) => [e.id, e]);
}

test("what happened between two looks", () => {
  expect(readingOf(readTotals(report(2), "1"), readTotals(report(1), "1"))).toEqual({
    availableKbps: 640,
    rttMs: 50,
    lossOut: 0.1,
    lossIn: 0.1,
    encodeMs: 10,
    cpuLimited: false,
    codec: "VP9",
    lines: 720,
  });
});

test("a connection that has nothing to tell", () => {
  const empty = readTotals([], "1");
  expect(readingOf(empty, empty)).toEqual({
    availableKbps: null,
    rttMs: null,
    lossOut: 0,
    lossIn: 0,
    encodeMs: null,
    cpuLimited: false,
    codec: "",
    lines: 0,
  });
});

test("late packets do not count as negative loss", () => {
  expect(readingOf(readTotals(report(1), "1"), readTotals(report(2), "1")).lossIn).toBe(0);
});
