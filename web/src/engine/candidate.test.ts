import { expect, test } from "vitest";
import { allowsCandidate, isThisMachine, withAllowedCandidates } from "./candidate.ts";

const to = (address: string) => `candidate:1 1 udp 2130706431 ${address} 50000 typ host generation 0`;

test.each([
  "203.0.113.7",
  "192.168.1.7", // two people in one house
  "2001:db8::7",
  "fd00::7",
  "0f0e3c1e-7b1c-4a5c-9d2e-1f2a3b4c5d6e.local",
])("%s is allowed", (address) => {
  expect(allowsCandidate(to(address), false)).toBe(true);
});

test.each(["127.0.0.1", "127.8.8.8", "::1", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1"])(
  "%s only where the other party is on this machine",
  (address) => {
    expect(allowsCandidate(to(address), false)).toBe(false);
    expect(allowsCandidate(to(address), true)).toBe(true);
  },
);

test.each([
  "example.org", // would be a DNS query on request
  "a.b.local",
  ".local",
  "localhost",
  "127.1",
  "0x7f000001",
  "2130706433",
  "0177.0.0.1",
  "169.254.169.254",
  "::ffff:169.254.169.254",
  "fe80::1",
  "fe80::1%eth0",
  "0.0.0.0",
  "::",
  "224.0.0.251",
  "255.255.255.255",
  "ff02::fb",
  "1.2.3",
  "1.2.3.256",
  "::1::2",
])("%s is refused", (address) => {
  expect(allowsCandidate(to(address), true)).toBe(false);
});

test.each([
  "",
  "candidate:",
  "candidate:1 1 udp 1 203.0.113.7 0 typ host",
  "candidate:1 1 udp 1 203.0.113.7 70000 typ host",
  "candidate:1 1 udp 1 203.0.113.7 x typ host",
  "candidate:1 1 tcp 1 203.0.113.7 9000 typ host tcptype passive",
  to("203.0.113.7") + " x".repeat(300),
  "candidate:1  1 udp 1 203.0.113.7 50000 typ host",
  // The first field, to who splits at spaces only: the address is the last one.
  "candidate:1\t1\tudp\t1\t203.0.113.7\t50000\ttyp\thost 1 udp 1 127.0.0.1 80 typ host",
  "candidate:1\u00a01\u00a0udp\u00a01\u00a0203.0.113.7\u00a050000\u00a0typ\u00a0host 1 udp 1 example.org 80 typ host",
])("%j is refused", (candidate) => {
  expect(allowsCandidate(candidate, true)).toBe(false);
});

test("a description loses what is not allowed and nothing else", () => {
  const kept = ["v=0", "m=audio 9 UDP/TLS/RTP/SAVPF 111", `a=${to("203.0.113.7")}`, "a=end-of-candidates", ""];
  const sdp = [...kept.slice(0, 3), `A=${to("tracker.example")}`, `a=${to("127.0.0.1")}`, ...kept.slice(3)].join("\n");
  expect(withAllowedCandidates(sdp, false)).toBe(kept.join("\r\n"));
});

test.each([
  ["localhost", true],
  ["a.localhost", true],
  ["127.0.0.1", true],
  ["[::1]", true],
  ["localhost.example.org", false],
  ["10.0.0.1", false],
])("%s is this machine: %s", (hostname, want) => {
  expect(isThisMachine(hostname)).toBe(want);
});
