/** What is needed of inbound-rtp and outbound-rtp (W3C webrtc-stats). */
interface Rtp {
  readonly type: string;
  readonly mid?: string;
  readonly kind?: string;
  readonly framesSent?: number;
  readonly framesReceived?: number;
  readonly packetsSent?: number;
  readonly packetsReceived?: number;
  readonly retransmittedPacketsSent?: number;
}

/** Frames that the browser says have gone through the m-line. A packet of sound is one frame. */
export function browserFrames(
  report: Iterable<readonly [string, unknown]> | RTCStatsReport,
  mid: string | null,
): number {
  let frames = 0;
  for (const [, value] of report as Iterable<readonly [string, unknown]>) {
    const entry = value as Rtp;
    if (mid === null || entry.mid !== mid) continue;
    if (entry.type === "outbound-rtp") {
      const packets = (entry.packetsSent ?? 0) - (entry.retransmittedPacketsSent ?? 0);
      frames += entry.kind === "video" ? (entry.framesSent ?? 0) : packets;
    } else if (entry.type === "inbound-rtp") {
      frames += (entry.kind === "video" ? entry.framesReceived : entry.packetsReceived) ?? 0;
    }
  }
  return frames;
}
