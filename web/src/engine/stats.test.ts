import { expect, test } from "vitest";
import { pathOf, quality, readSample } from "./stats.ts";

const report = (...entries: { id: string; type: string; [field: string]: unknown }[]) =>
  new Map(entries.map((e) => [e.id, e]));

const transport = {
  id: "T",
  type: "transport",
  selectedCandidatePairId: "P",
  tlsVersion: "FEFC",
  srtpCipher: "AES_CM_128",
};
const pair = {
  id: "P",
  type: "candidate-pair",
  localCandidateId: "L",
  remoteCandidateId: "R",
  currentRoundTripTime: 0.0425,
};
const host = (id: string) => ({ id, type: "local-candidate", candidateType: "host", protocol: "udp" });

test("a direct path", () => {
  expect(readSample(report(transport, pair, host("L"), host("R")))).toMatchObject({
    kind: "direct",
    protocol: "udp",
    relay: "",
    rttMs: 43,
    dtls: "1.3",
    srtpCipher: "AES_CM_128",
  });
});

test("our relay, over TCP, by its name", () => {
  const relay = {
    ...host("L"),
    candidateType: "relay",
    relayProtocol: "tcp",
    url: "turn:relay.example:8080?transport=tcp",
  };
  expect(readSample(report(transport, pair, relay, host("R")))).toMatchObject({
    kind: "relayed",
    protocol: "tcp",
    relay: "relay.example",
  });
});

test.each([
  ["turn:relay.example:8080?transport=udp", "udp"],
  ["turn:relay.example:8080?transport=tcp", "tcp"],
  ["turns:relay.example?transport=tcp", "tls"],
])("a browser that does not say how it reaches its relay: %s", (url, protocol) => {
  const relay = { ...host("L"), candidateType: "relay", url };
  expect(readSample(report(transport, pair, relay, host("R")))).toMatchObject({ protocol, family: null });
});

test.each([
  ["192.0.2.1", 4],
  ["2001:db8::1", 6],
  ["4f7c0ed1-8f2c-4f9b-8d6f-1f0f3a0a5a11.local", null],
  ["", null],
])("the family of a direct path to %s", (address, family) => {
  expect(readSample(report(transport, pair, host("L"), { ...host("R"), address }))?.family).toBe(family);
});

test("a direct path over TCP; its family as this side sees it, if the other is hidden", () => {
  const local = { ...host("L"), protocol: "tcp", address: "2001:db8::2" };
  const remote = { ...host("R"), address: "x.local" };
  expect(readSample(report(transport, pair, local, remote))).toMatchObject({ protocol: "tcp", family: 6 });
});

test("their relay counts too", () => {
  const relay = { ...host("R"), candidateType: "relay", address: "192.0.2.1" };
  expect(readSample(report(transport, pair, host("L"), relay))).toMatchObject({ kind: "relayed", relay: "192.0.2.1" });
});

test("Firefox marks the pair instead of naming it", () => {
  const sample = readSample(report({ ...pair, nominated: true, state: "succeeded" }, host("L"), host("R")));
  expect(sample?.kind).toBe("direct");
});

test("nothing before a pair is selected", () => {
  expect(readSample(report({ id: "T", type: "transport" }))).toBeNull();
});

test.each([
  [null, 0, "good"],
  [299, 0.049, "good"],
  [300, 0, "fair"],
  [100, 0.05, "fair"],
  [600, 0, "poor"],
  [100, 0.15, "poor"],
] as const)("round trip %s ms, loss %s: %s", (rtt, loss, want) => {
  expect(quality(rtt, loss)).toBe(want);
});

test("loss is that of the last interval", () => {
  const inbound = (received: number, lost: number) => ({
    id: "I",
    type: "inbound-rtp",
    packetsReceived: received,
    packetsLost: lost,
  });
  const at = (received: number, lost: number) => {
    const sample = readSample(report(transport, pair, host("L"), host("R"), inbound(received, lost)));
    if (!sample) throw new Error("no sample");
    return sample;
  };
  expect(pathOf(at(1000, 500), at(900, 500)).quality).toBe("good");
  expect(pathOf(at(1000, 500), at(950, 450)).quality).toBe("poor");
});
