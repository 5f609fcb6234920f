import type { CheckTransport } from "../../protocol/messages.gen.ts";
import type { Verdict } from "./verdict.ts";

/** What was measured over one way into the relay. Shares are 0…1; rates are null if they were not measured. */
export interface LineFacts {
  readonly rttMs: number;
  readonly jitterMs: number;
  readonly lossUp: number;
  readonly lossDown: number;
  readonly upKbps: number | null;
  readonly downKbps: number | null;
}

/** `absent`: this server does not offer it. `unknown`: it could not be asked, or was not. */
export type PathState =
  { readonly state: "works"; readonly facts: LineFacts } | { readonly state: "blocked" | "absent" | "unknown" };

export type NetworkPaths = Readonly<Record<CheckTransport, PathState>>;

/** The ways into the relay, in the order in which a call would rather have them. */
export const transports: readonly CheckTransport[] = ["udp", "tcp", "tls"];

export const nothingKnown: NetworkPaths = {
  udp: { state: "unknown" },
  tcp: { state: "unknown" },
  tls: { state: "unknown" },
};

/** Why the server was not asked, or did not answer. */
export type NetworkProblem = "offline" | "away" | "busy";

export type NetworkFinding =
  "measuring" | "good" | "loss" | "delay" | "jitter" | "slow-up" | "slow-down" | "no-udp" | "blocked" | NetworkProblem;

/**
 * Up to where a value is good, and up to where it is fair; beyond it is poor. Loss, round trip and rate for good are
 * what a call at full size needs; at the limits of fair it still has sound, and a small picture.
 */
const limits = {
  loss: { good: 0.05, fair: 0.1 },
  rttMs: { good: 300, fair: 500 },
  jitterMs: { good: 30, fair: 60 },
  kbps: { good: 1_100, fair: 400 },
} as const;

type Grade = "good" | "fair" | "poor";
const worse: Record<Grade, number> = { good: 0, fair: 1, poor: 2 };

function atMost(value: number, { good, fair }: { good: number; fair: number }): Grade {
  return value < good ? "good" : value < fair ? "fair" : "poor";
}

function atLeast(value: number | null, { good, fair }: { good: number; fair: number }): Grade {
  return value === null || value >= good ? "good" : value >= fair ? "fair" : "poor";
}

/** The way that a relayed call would take: the first that works. */
export function bestPath(paths: NetworkPaths): { transport: CheckTransport; facts: LineFacts } | null {
  for (const transport of transports) {
    const path = paths[transport];
    if (path.state === "works") return { transport, facts: path.facts };
  }
  return null;
}

/** What to say about the network: the worst of what was found, and of things equally bad the one that explains most. */
export function networkVerdict(paths: NetworkPaths, problem: NetworkProblem | null): Verdict<NetworkFinding> {
  const best = bestPath(paths);
  if (!best && problem) return { light: "unknown", finding: problem };
  if (!best) {
    const blocked = transports.some((transport) => paths[transport].state === "blocked");
    return blocked ? { light: "poor", finding: "blocked" } : { light: "working", finding: "measuring" };
  }
  const { facts, transport } = best;
  const found: [NetworkFinding, Grade][] = [
    ["loss", atMost(Math.max(facts.lossUp, facts.lossDown), limits.loss)],
    ["slow-up", atLeast(facts.upKbps, limits.kbps)],
    ["slow-down", atLeast(facts.downKbps, limits.kbps)],
    ["delay", atMost(facts.rttMs, limits.rttMs)],
    ["jitter", atMost(facts.jitterMs, limits.jitterMs)],
    ["no-udp", transport !== "udp" && paths.udp.state === "blocked" ? "fair" : "good"],
  ];
  const [finding, light] = found.reduce((a, b) => (worse[b[1]] > worse[a[1]] ? b : a));
  return { light, finding: light === "good" ? "good" : finding, values: valuesOf(facts) };
}

function valuesOf(facts: LineFacts): Record<string, number> {
  const { rttMs, jitterMs, lossUp, lossDown, upKbps, downKbps } = facts;
  return {
    rttMs,
    jitterMs,
    lossUp,
    lossDown,
    ...(upKbps !== null && { upKbps }),
    ...(downKbps !== null && { downKbps }),
  };
}

/** A ping that came back: its number, how long it was away, and how many the mirror had had by then. */
export interface Pong {
  readonly n: number;
  readonly rttMs: number;
  readonly had: number;
}

/** Facts from `sent` pings; null if not one came back. What got lost on the way up never reached the mirror's count. */
export function pingFacts(sent: number, pongs: readonly Pong[]): Omit<LineFacts, "upKbps" | "downKbps"> | null {
  if (pongs.length === 0) return null;
  const ordered = [...pongs].sort((a, b) => a.n - b.n);
  const had = Math.min(sent, Math.max(...ordered.map((pong) => pong.had)));
  const rtts = ordered.map((pong) => pong.rttMs);
  const steps = rtts.slice(1).map((rtt, i) => Math.abs(rtt - (rtts[i] ?? rtt)));
  return {
    rttMs: median(rtts),
    jitterMs: steps.length > 0 ? steps.reduce((a, b) => a + b) / steps.length : 0,
    lossUp: 1 - had / sent,
    lossDown: Math.max(0, 1 - ordered.length / had),
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/**
 * Rate of a burst of `bursts` bins, from the bytes in each. The first two fifths are left out: a connection has to find
 * out first how much it may send, which on a long way takes longer.
 */
export function steadyKbps(bins: readonly number[], bursts: number, binMs: number): number {
  const from = Math.floor(bursts * 0.4);
  const bytes = bins.slice(from, bursts).reduce((sum, n) => sum + n, 0);
  return (bytes * 8) / ((bursts - from) * binMs);
}
