/** Totals of one media connection, and what its browser says of the moment. A connection that is replaced begins anew. */
export interface Counters {
  readonly bytes: number; // of anything from the other side: media, its reports, data
  readonly media: number; // bytes of media that arrived
  readonly packets: number;
  readonly lost: number;
  /** Packets of every kind but STUN that left and that came, whatever path they took; 0: not known. */
  readonly sent: number;
  readonly came: number;
  readonly frames: number; // decoded
  readonly made: number; // samples of sound that were made up, silence left out
  readonly samples: number; // of sound that was played
  readonly rtt: number | null; // ms
  readonly kbps: number; // what the line carries, as estimated; 0: not known
  /** What holds the encoder back just now; the processor counts only if the picture suffers. */
  readonly limit: "none" | "cpu" | "bandwidth";
}

// The names of RTCStats dictionaries (W3C webrtc-stats); TypeScript's DOM library lacks most.
interface Entry {
  readonly id: string;
  readonly type: string;
  readonly [field: string]: unknown;
}

/** Reads a report of RTCPeerConnection.getStats(). */
export function readCounters(report: Iterable<readonly [string, unknown]>): Counters {
  const all = [...report].map(([, entry]) => entry as Entry);
  const transport = all.find((e) => e.type === "transport");
  // Several pairs may be nominated; bytes come over the selected one.
  const pairs = all.filter((e) => e.type === "candidate-pair");
  const pair =
    pairs.find((e) => e.id === transport?.["selectedCandidatePairId"]) ??
    pairs.find((e) => e["nominated"] === true && e["state"] === "succeeded");
  const inbound = all.filter((e) => e.type === "inbound-rtp");
  const outbound = all.filter((e) => e.type === "outbound-rtp");
  const limits = outbound.map((e) => e["qualityLimitationReason"]);
  const slow = outbound.some((e) => e["qualityLimitationReason"] === "cpu" && poor(e));
  const rtt = pair?.["currentRoundTripTime"];
  const media = sum(inbound, "bytesReceived");
  return {
    bytes: number(pair?.["bytesReceived"]) || media,
    media,
    packets: sum(inbound, "packetsReceived"),
    lost: sum(inbound, "packetsLost"),
    sent: number(transport?.["packetsSent"]),
    came: number(transport?.["packetsReceived"]),
    frames: sum(inbound, "framesDecoded"),
    made: sum(inbound, "concealedSamples") - sum(inbound, "silentConcealedSamples"),
    samples: sum(inbound, "totalSamplesReceived"),
    rtt: typeof rtt === "number" ? Math.round(rtt * 1_000) : null,
    kbps: Math.round(number(pair?.["availableOutgoingBitrate"]) / 1_000),
    limit: slow ? "cpu" : limits.includes("bandwidth") ? "bandwidth" : "none",
  };
}

/** Encoders with little processor make fewer and smaller pictures; people mind when it is much. */
const POOR = { fps: 12, height: 270 } as const;

function poor(sent: Entry): boolean {
  const side = Math.min(number(sent["frameHeight"]), number(sent["frameWidth"]));
  return number(sent["framesPerSecond"]) < POOR.fps || side < POOR.height;
}

function sum(entries: readonly Entry[], field: string): number {
  return entries.reduce((total, entry) => total + number(entry[field]), 0);
}

function number(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}
