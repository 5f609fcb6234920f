import { expect, test } from "vitest";
import { Withheld } from "./withheld.ts";

const description = (...candidates: string[]) =>
  ["v=0", "m=audio 9 UDP/TLS/RTP/SAVPF 111", "c=IN IP4 0.0.0.0", "a=mid:0", "m=video 9 UDP/TLS/RTP/SAVPF 96"]
    .concat(candidates, "a=mid:1", "")
    .join("\r\n");

test("candidates are taken out of a description and kept in order, with those that come later", () => {
  const withheld = new Withheld();
  const given = description("a=candidate:1 1 udp 1 192.0.2.1 1 typ host", "a=end-of-candidates");
  expect(withheld.strip(given)).toBe(description());
  withheld.keep({ candidate: "candidate:2", sdpMid: "0" });
  withheld.keep(undefined);
  expect(withheld.candidates).toEqual([
    { candidate: "candidate:1 1 udp 1 192.0.2.1 1 typ host", sdpMLineIndex: 1 },
    { candidate: "candidate:2", sdpMid: "0" },
    undefined,
  ]);
});

test("another description makes those of the last worthless", () => {
  const withheld = new Withheld();
  withheld.strip(description("a=candidate:1 1 udp 1 192.0.2.1 1 typ host"));
  withheld.strip(description());
  expect(withheld.candidates).toEqual([]);
});
