/** What the connection looked like over the last second, as far as sending and playing out depend on it. */
export interface Reading {
  /** What congestion control believes may leave, kbit/s; null until it has an opinion. */
  readonly availableKbps: number | null;
  readonly rttMs: number | null;
  readonly lossOut: number; // 0…1, of what we send, as the other side reports it
  readonly lossIn: number; // 0…1, of what comes
  readonly encodeMs: number | null; // per frame of the camera's picture; null if none was encoded
  readonly cpuLimited: boolean; // the browser itself makes the picture smaller to spare the machine
  readonly codec: string; // "VP9", "VP8", "" before the first frame
  readonly lines: number; // of the camera's picture before scaling, the shorter side; 0 without one
}

/** Counters since the connection began; two of them make a {@link Reading}. */
export interface Totals {
  readonly frames: number;
  readonly encodeS: number;
  readonly sent: number;
  readonly sentLost: number;
  readonly received: number;
  readonly receivedLost: number;
  readonly now: Omit<Reading, "lossOut" | "lossIn" | "encodeMs">;
}

// The names of RTCStats dictionaries (W3C webrtc-stats).
interface Entry {
  readonly id: string;
  readonly type: string;
  readonly [field: string]: unknown;
}

/** Reads a stats report. `camera` is the m-line our camera is sent on. */
export function readTotals(report: Iterable<readonly [string, unknown]>, camera: string): Totals {
  const entries = new Map([...report] as [string, Entry][]);
  const all = [...entries.values()];
  const of = (type: string) => all.filter((e) => e.type === type);
  const pair = entries.get(text(of("transport")[0]?.["selectedCandidatePairId"]));
  const out = of("outbound-rtp").find((e) => e["mid"] === camera);
  const source = entries.get(text(out?.["mediaSourceId"]));
  const available = number(pair?.["availableOutgoingBitrate"]);
  const rtt = number(pair?.["currentRoundTripTime"]);
  return {
    frames: number(out?.["framesEncoded"]) ?? 0,
    encodeS: number(out?.["totalEncodeTime"]) ?? 0,
    sent: sum(of("outbound-rtp"), "packetsSent"),
    sentLost: sum(of("remote-inbound-rtp"), "packetsLost"),
    received: sum(of("inbound-rtp"), "packetsReceived"),
    receivedLost: sum(of("inbound-rtp"), "packetsLost"),
    now: {
      availableKbps: available === null ? null : available / 1000,
      rttMs: rtt === null ? null : rtt * 1000,
      cpuLimited: out?.["qualityLimitationReason"] === "cpu",
      codec: text(entries.get(text(out?.["codecId"]))?.["mimeType"])
        .replace("video/", "")
        .toUpperCase(),
      lines: Math.min(number(source?.["width"]) ?? 0, number(source?.["height"]) ?? 0),
    },
  };
}

/** What happened between two looks. */
export function readingOf(now: Totals, before: Totals): Reading {
  const frames = now.frames - before.frames;
  const lost = now.receivedLost - before.receivedLost;
  return {
    ...now.now,
    encodeMs: frames > 0 ? ((now.encodeS - before.encodeS) * 1000) / frames : null,
    lossOut: share(now.sentLost - before.sentLost, now.sent - before.sent),
    lossIn: share(lost, now.received - before.received + lost),
  };
}

/** Counters of lost packets go back when one comes late (RFC 3550 §6.4.1). */
function share(part: number, whole: number): number {
  return whole > 0 ? Math.min(1, Math.max(0, part / whole)) : 0;
}

function sum(entries: readonly Entry[], field: string): number {
  return entries.reduce((n, e) => n + (number(e[field]) ?? 0), 0);
}

function number(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
