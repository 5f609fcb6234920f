import { expect, test } from "vitest";
import { codeOf } from "./e2ee/errors.ts";
import { checkSdp, ownFingerprint } from "./sdp.ts";

const fp = "0123456789abcdef".repeat(4);
const colons = (fp.toUpperCase().match(/../g) ?? []).join(":");
const sdp = (...lines: string[]) => ["v=0", "m=audio 9 UDP/TLS/RTP/SAVPF 111", ...lines, ""].join("\r\n");
const print = `a=fingerprint:sha-256 ${colons}`;

test("takes a description with the announced fingerprint", () => {
  expect(() => checkSdp(sdp(print, "a=setup:actpass", "m=video 9 UDP/TLS/RTP/SAVPF 98", print), fp)).not.toThrow();
});

test("takes as many m-lines as the media plan has", () => {
  const lines = Array.from({ length: 8 }, () => "m=audio 9 UDP/TLS/RTP/SAVPF 111");
  expect(() => checkSdp(sdp(print, ...lines), fp)).not.toThrow();
});

test("reads its own fingerprint", () => {
  expect(ownFingerprint(sdp(print))).toBe(fp);
});

test.each([
  ["no fingerprint", sdp("a=setup:actpass")],
  ["another fingerprint", sdp(print.replace("01:23", "02:23"))],
  ["a second, different one", sdp(print, print.replace("01:23", "02:23"))],
  ["the same as sha-512", sdp(print.replace("sha-256", "sha-512"))],
  ["sha-1 beside it", sdp(print, "a=fingerprint:sha-1 00:11")],
  ["upper-case attribute hiding another", sdp(print, `A=FINGERPRINT:sha-256 ${colons.replace("01:23", "02:23")}`)],
  ["SDES keys", sdp(print, "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x")],
  ["held connection", sdp(print, "a=setup:holdconn")],
  ["no m-line", ["v=0", print, ""].join("\r\n")],
  ["ten m-lines", sdp(print, ...Array.from({ length: 9 }, () => "m=audio 9 UDP/TLS/RTP/SAVPF 111"))],
  ["bare carriage return", sdp(`a=mid:0\ra=fingerprint:sha-256 ${colons.replace("01:23", "02:23")}`, print)],
  ["too long", sdp(print, "a=x:" + "y".repeat(65_000))],
])("refuses: %s", (_, text) => {
  let thrown: unknown;
  try {
    checkSdp(text, fp);
  } catch (error) {
    thrown = error;
  }
  expect(codeOf(thrown)).toBe("E_SDP");
});
