import { expect, test } from "vitest";
import { readCounters } from "./counters.ts";

const report = (...entries: { id: string; type: string; [field: string]: unknown }[]) =>
  new Map(entries.map((e) => [e.id, e]));

test("sound and picture are added, the selected pair says the rest", () => {
  const counters = readCounters(
    report(
      { id: "T", type: "transport", selectedCandidatePairId: "P", packetsSent: 400, packetsReceived: 300 },
      { id: "Q", type: "candidate-pair", nominated: true, state: "succeeded", bytesReceived: 9 },
      {
        id: "P",
        type: "candidate-pair",
        bytesReceived: 5_000,
        currentRoundTripTime: 0.0421,
        availableOutgoingBitrate: 812_345,
      },
      {
        id: "A",
        type: "inbound-rtp",
        packetsReceived: 50,
        packetsLost: 2,
        bytesReceived: 900,
        concealedSamples: 700,
        silentConcealedSamples: 200,
        totalSamplesReceived: 48_000,
      },
      { id: "V", type: "inbound-rtp", packetsReceived: 30, packetsLost: 1, bytesReceived: 3_000, framesDecoded: 29 },
      { id: "O", type: "outbound-rtp", qualityLimitationReason: "bandwidth" },
    ),
  );
  expect(counters).toEqual({
    bytes: 5_000,
    media: 3_900,
    packets: 80,
    lost: 3,
    sent: 400,
    came: 300,
    frames: 29,
    made: 500,
    samples: 48_000,
    rtt: 42,
    kbps: 812,
    limit: "bandwidth",
  });
});

test.each([
  ["fewer pictures", { framesPerSecond: 8, frameWidth: 1280, frameHeight: 720 }, "cpu"],
  ["small ones", { framesPerSecond: 30, frameWidth: 320, frameHeight: 180 }, "cpu"],
  ["smaller than it could, and nobody minds", { framesPerSecond: 30, frameWidth: 640, frameHeight: 360 }, "none"],
])("an encoder that the processor holds back: %s", (_, fields, limit) => {
  const sent = { id: "O", type: "outbound-rtp", qualityLimitationReason: "cpu", ...fields };
  expect(readCounters(report(sent))).toMatchObject({ limit });
});

test("a browser that tells little", () => {
  expect(readCounters(report({ id: "A", type: "inbound-rtp", bytesReceived: 900 }))).toMatchObject({
    bytes: 900,
    sent: 0,
    came: 0,
    rtt: null,
    kbps: 0,
    limit: "none",
  });
});
