import { expect, test } from "vitest";
import { chooseCodecs, chooseSound, withSoundAgain, withStartBitrate, withStereo } from "./codecs.ts";

test("VP9 with 8 bits, VP8 and rtx are offered, nothing else", () => {
  const all = [
    { mimeType: "video/AV1" },
    { mimeType: "video/VP8" },
    { mimeType: "video/rtx" },
    { mimeType: "video/H264", sdpFmtpLine: "profile-level-id=42e01f" },
    { mimeType: "video/VP9", sdpFmtpLine: "profile-id=0" },
    { mimeType: "video/VP9", sdpFmtpLine: "profile-id=2" },
    { mimeType: "video/red" },
  ];
  expect(chooseCodecs(all)).toEqual([all[4], all[1], all[2]]);
});

test("a browser with none of them offers what it has", () => {
  const only = [{ mimeType: "video/H264" }];
  expect(chooseCodecs(only)).toEqual(only);
});

test("a start bitrate for VP8 and VP9, whether they have parameters or not", () => {
  const lines = [
    "m=audio 9 UDP/TLS/RTP/SAVPF 111",
    "a=rtpmap:111 opus/48000/2",
    "a=fmtp:111 minptime=10",
    "m=video 9 UDP/TLS/RTP/SAVPF 96 97 98",
    "a=rtpmap:96 VP8/90000",
    "a=rtpmap:97 rtx/90000",
    "a=fmtp:97 apt=96",
    "a=rtpmap:98 VP9/90000",
    "a=fmtp:98 profile-id=0",
    "",
  ];
  const want = [...lines];
  want.splice(5, 0, "a=fmtp:96 x-google-start-bitrate=800");
  want[9] = "a=fmtp:98 profile-id=0;x-google-start-bitrate=800";
  expect(withStartBitrate(lines.join("\r\n"))).toBe(want.join("\r\n"));
});

test("sound goes twice where the browser can, and is Opus in any case", () => {
  const of = (...types: string[]) => types.map((mimeType) => ({ mimeType }));
  const names = (codecs: { mimeType: string }[]) => codecs.map((c) => c.mimeType);
  expect(names(chooseSound(of("audio/opus", "audio/G722", "audio/red")))).toEqual(["audio/red", "audio/opus"]);
  expect(names(chooseSound(of("audio/PCMU", "audio/opus")))).toEqual(["audio/opus"]);
  expect(names(chooseSound(of("audio/PCMU")))).toEqual(["audio/PCMU"]);
});

test("sound may be asked for again, in every m-line", () => {
  const opus = ["a=rtpmap:111 opus/48000/2", "a=fmtp:111 minptime=10;useinbandfec=1"];
  const sdp = ["m=audio 9", ...opus, "m=audio 9", ...opus, "a=rtpmap:98 VP9/90000", ""].join("\r\n");
  const out = withSoundAgain(sdp);
  expect(out.match(/^a=rtcp-fb:111 nack\r$/gm)).toHaveLength(2);
  expect(out.replaceAll("a=rtcp-fb:111 nack\r\n", "")).toBe(sdp);
});

test("stereo can be heard, in every m-line, and is said once", () => {
  const opus = ["a=rtpmap:111 opus/48000/2", "a=fmtp:111 minptime=10;useinbandfec=1"];
  const red = ["a=rtpmap:63 red/48000/2", "a=fmtp:63 111/111"];
  const sdp = ["m=audio 9", ...red, ...opus, "m=audio 9", ...opus, ""].join("\r\n");
  const out = withStereo(sdp);
  expect(out.match(/^a=fmtp:111 minptime=10;useinbandfec=1;stereo=1\r$/gm)).toHaveLength(2);
  expect(out.replaceAll(";stereo=1", "")).toBe(sdp);
  expect(withStereo(out)).toBe(out);
  const mono = sdp.replaceAll("useinbandfec=1", "stereo=0");
  expect(withStereo(mono)).toBe(mono);
});
