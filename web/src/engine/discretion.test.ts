import { expect, test } from "vitest";
import { liesAt, otherCandidates, relayAddresses, relayedCandidate, relayedDescription } from "./discretion.ts";

const HOST = "candidate:1 1 udp 2122260223 192.168.7.9 50001 typ host generation 0 network-id 1";
const SRFLX = "candidate:2 1 udp 1686052607 203.0.113.77 50002 typ srflx raddr 192.168.7.9 rport 50001";
const RELAY = "candidate:3 1 udp 41885439 198.51.100.4 49200 typ relay raddr 203.0.113.77 rport 50002 generation 0";
const V6 = "candidate:4 1 udp 41885438 2001:DB8::4 49201 typ relay raddr 2001:db8:1::9 rport 50003";
const SDP = [
  "v=0",
  "o=- 461 2 IN IP4 192.168.7.9",
  "s=-",
  "m=audio 50002 UDP/TLS/RTP/SAVPF 111",
  "c=IN IP4 203.0.113.77",
  "a=rtcp:50002 IN IP4 203.0.113.77",
  ...[HOST, SRFLX, RELAY, V6].map((c) => `a=${c}`),
  "a=end-of-candidates",
  "a=mid:0",
  "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
  "c=IN IP4 0.0.0.0",
  "a=mid:4",
  "",
].join("\r\n");

test("a description before admission names no address but the relay's", () => {
  const said = relayedDescription(SDP);
  expect(said).not.toMatch(/192\.168|203\.0\.113|2001:db8:1::9|5000[123]/);
  expect(said.match(/^a=candidate:/gm)).toHaveLength(2);
  expect(said).toContain("198.51.100.4 49200 typ relay raddr 0.0.0.0 rport 9 generation 0");
  expect(said).toContain("m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\n");
  expect(said).not.toContain("end-of-candidates"); // more come with admission
  expect(said.split("\r\n")).toHaveLength(SDP.split("\r\n").length - 3);
});

test("of candidates only the relay's are said, without what they are related to", () => {
  expect(relayedCandidate(HOST)).toBeNull();
  expect(relayedCandidate(SRFLX)).toBeNull();
  expect(relayedCandidate(RELAY)).toBe(RELAY.replace("203.0.113.77 rport 50002", "0.0.0.0 rport 9"));
});

test("with admission come all the others", () => {
  expect(otherCandidates(SDP)).toEqual([
    { cand: HOST, mid: "0" },
    { cand: SRFLX, mid: "0" },
  ]);
});

test("packets are sent to the relay's address and to none that is only called so", () => {
  const ours = relayAddresses(SDP);
  expect([...ours]).toEqual(["198.51.100.4", "2001:db8::4"]);
  expect(liesAt("candidate:9 1 udp 1 198.51.100.4 49300 typ relay raddr 0.0.0.0 rport 9", ours)).toBe(true);
  expect(liesAt("candidate:9 1 udp 1 198.51.100.4 49300 typ host", ours)).toBe(false);
  expect(liesAt("candidate:9 1 udp 1 192.0.2.66 3478 typ relay raddr 0.0.0.0 rport 9", ours)).toBe(false);
  expect(liesAt("candidate:9 1 udp 1 192.0.2.66 1 typ srflx raddr 198.51.100.4 rport 9 typ relay", ours)).toBe(false);
  // What stands before the first space is one field to a browser.
  const hidden = "candidate:9\t1\tudp\t1\t198.51.100.4\t9\ttyp\trelay";
  expect(liesAt(`${hidden} 1 udp 1 192.0.2.66 3478 typ relay raddr 0.0.0.0 rport 9`, ours)).toBe(false);
});
