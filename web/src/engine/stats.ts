import type { Traffic } from "./pulse.ts";
import type { PathInfo, Quality } from "./types.ts";

/** What one look at the connection says. Counters are totals since it began. */
export interface Sample {
  readonly kind: "direct" | "relayed";
  readonly protocol: PathInfo["protocol"];
  readonly family: PathInfo["family"];
  readonly relay: string;
  readonly rttMs: number | null;
  readonly bytes: number; // of anything from the other side: media, its reports, data
  readonly received: number; // RTP packets
  readonly lost: number;
  readonly remoteLoss: number; // 0…1, of what we send, as the other side reports it
  readonly dtls: string;
  readonly srtpCipher: string;
}

// The names of RTCStats dictionaries (W3C webrtc-stats); TypeScript's DOM library lacks most.
interface Entry {
  readonly id: string;
  readonly type: string;
  readonly [field: string]: unknown;
}

const dtlsVersions: Readonly<Record<string, string>> = { FEFD: "1.2", FEFC: "1.3" };

/** What has gone over the transport so far; null before there is one. */
export function readTraffic(report: Iterable<readonly [string, unknown]>): Traffic | null {
  for (const [, entry] of report as Iterable<[string, Entry]>) {
    if (entry.type !== "transport") continue;
    const received = number(entry["bytesReceived"]);
    const sent = number(entry["bytesSent"]);
    if (received === null || sent === null) return null;
    return { received, sent, pair: text(entry["selectedCandidatePairId"]) };
  }
  return null;
}

/** Reads the selected candidate pair and what surrounds it; null while there is none. */
export function readSample(report: Iterable<readonly [string, unknown]>): Sample | null {
  const entries = new Map([...report] as [string, Entry][]);
  const all = [...entries.values()];
  const transport = all.find((e) => e.type === "transport");
  const pair =
    entries.get(text(transport?.["selectedCandidatePairId"])) ??
    all.find(
      (e) =>
        e.type === "candidate-pair" &&
        (e["selected"] === true || (e["nominated"] === true && e["state"] === "succeeded")),
    );
  const local = pair && entries.get(text(pair["localCandidateId"]));
  const remote = pair && entries.get(text(pair["remoteCandidateId"]));
  if (!local || !remote) return null;

  const relays = [local, remote].filter((c) => c["candidateType"] === "relay");
  const inbound = all.filter((e) => e.type === "inbound-rtp");
  const fractions = all.filter((e) => e.type === "remote-inbound-rtp").map((e) => number(e["fractionLost"]) ?? 0);
  const rtt = number(pair["currentRoundTripTime"]);
  return {
    kind: relays.length > 0 ? "relayed" : "direct",
    // Of our own leg: only the relay knows the other one.
    protocol: local["candidateType"] === "relay" ? intoRelay(local) : protocolOf(local["protocol"]),
    family: relays.length > 0 ? null : (familyOf(remote["address"]) ?? familyOf(local["address"])),
    relay: relayHost(relays),
    rttMs: rtt === null ? null : Math.round(rtt * 1000),
    bytes: number(pair["bytesReceived"]) ?? sum(inbound, "bytesReceived"),
    received: sum(inbound, "packetsReceived"),
    lost: sum(inbound, "packetsLost"),
    remoteLoss: Math.max(0, ...fractions),
    dtls: dtlsVersions[text(transport?.["tlsVersion"])] ?? "",
    srtpCipher: text(transport?.["srtpCipher"]),
  };
}

/**
 * Good: conversation feels immediate (round trip below 300 ms, loss below 5 %).
 * Fair: noticeable (600 ms, 15 %). Poor: anything beyond.
 */
export function quality(rttMs: number | null, loss: number): Quality {
  const rtt = rttMs ?? 0;
  if (rtt < 300 && loss < 0.05) return "good";
  return rtt < 600 && loss < 0.15 ? "fair" : "poor";
}

/** The path as it is shown, from this sample and the one a second before. */
export function pathOf(now: Sample, before: Sample | null): PathInfo {
  const lost = Math.max(0, now.lost - (before?.lost ?? 0));
  const received = Math.max(0, now.received - (before?.received ?? 0));
  const loss = lost + received === 0 ? 0 : lost / (lost + received);
  const { kind, protocol, family, relay, rttMs } = now;
  return { kind, protocol, family, relay, rttMs, quality: quality(rttMs, Math.max(loss, now.remoteLoss)) };
}

function protocolOf(value: unknown): PathInfo["protocol"] {
  return value === "tcp" || value === "tls" ? value : "udp";
}

/** How the relay is reached; where the browser does not say, by the URL it was reached with (RFC 7065 §3.1). */
function intoRelay(local: Entry): PathInfo["protocol"] {
  const url = text(local["url"]);
  const named = url.startsWith("turns:") ? "tls" : /[?&]transport=tcp$/.test(url) ? "tcp" : "udp";
  return protocolOf(local["relayProtocol"] ?? named);
}

/** Browsers hide some addresses behind names (RFC 8828): of those nothing is known. */
function familyOf(address: unknown): PathInfo["family"] {
  if (/^\d+\.\d+\.\d+\.\d+$/.test(text(address))) return 4;
  return text(address).includes(":") ? 6 : null;
}

function relayHost(relays: readonly Entry[]): string {
  for (const relay of relays) {
    const host = /^turns?:\/?\/?(\[[^\]]+\]|[^:?]+)/.exec(text(relay["url"]))?.[1];
    if (host) return host;
  }
  const address = relays[0]?.["address"];
  return typeof address === "string" ? address : "";
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
