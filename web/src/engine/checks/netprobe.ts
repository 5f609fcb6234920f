import {
  CheckBinMS,
  CheckBins,
  CheckBurst,
  CheckDown,
  CheckMaxMS,
  CheckPacket,
  CheckPing,
  CheckReport,
  CheckUp,
  type CheckTransport,
} from "../../protocol/messages.gen.ts";
import { LineError, MirrorLine, type LineProblem } from "./mirrorline.ts";
import {
  nothingKnown,
  pingFacts,
  steadyKbps,
  transports,
  type LineFacts,
  type NetworkPaths,
  type NetworkProblem,
  type PathState,
  type Pong,
} from "./network.ts";

/** As much as a packet of sound, as often as two of them. */
const PING_BYTES = 120;
const PING_EVERY_MS = 40;
const PINGS_QUICK = 25;
const PINGS_FULL = 50;
/** Echoes that take longer count as lost: no conversation waits for them. */
const ECHO_MS = 1_000;
/** More than a call in full size needs, and within what the mirror sends. */
const RATE_KBPS = 2_000;
const PACE_MS = 20;
const AGAIN_MS = 250;
const REPORT_MS = 1_500;
const BURST_BINS = CheckMaxMS / CheckBinMS;

export interface ProbeOptions {
  readonly origin: string; // of the server
  readonly signal: AbortSignal;
  /** With rates, about a megabyte; without, below 50 kB. */
  readonly full: boolean;
  /** What is known by now. */
  readonly progress: (paths: NetworkPaths) => void;
}

/** What was found, and why the rest could not be asked. */
export interface ProbeResult {
  readonly paths: NetworkPaths;
  readonly problem: NetworkProblem | null;
}

/** Tries each way into the relay, one after the other; rates are measured over the first that works. Rejects only when aborted. */
export async function probeNetwork(options: ProbeOptions): Promise<ProbeResult> {
  let paths = nothingKnown;
  let rated = false;
  for (const transport of transports) {
    if (paths[transport].state === "absent") continue;
    const known = await probePath(transport, options, options.full && !rated);
    options.signal.throwIfAborted();
    if ("problem" in known) return { paths, problem: known.problem };
    paths = { ...paths, ...known.offers, [transport]: known.path };
    rated ||= known.path.state === "works";
    options.progress(paths);
  }
  return { paths, problem: null };
}

type Known =
  { readonly path: PathState; readonly offers: Partial<NetworkPaths> } | { readonly problem: NetworkProblem };

/** "Blocked" is a grave word, and a device that has just begun with everything at once may be late: it is said after a second try. */
async function probePath(transport: CheckTransport, options: ProbeOptions, rates: boolean): Promise<Known> {
  const known = await tryPath(transport, options, rates);
  const blocked = "path" in known && known.path.state === "blocked";
  return blocked && !options.signal.aborted ? tryPath(transport, options, rates) : known;
}

async function tryPath(transport: CheckTransport, { origin, signal }: ProbeOptions, rates: boolean): Promise<Known> {
  let line: MirrorLine | null = null;
  try {
    line = await MirrorLine.open(transport, origin, signal);
    const facts = await measure(line, rates);
    const absent = transports.filter((t) => !line?.offered.includes(t));
    const offers = Object.fromEntries(absent.map((t) => [t, { state: "absent" }])) as Partial<NetworkPaths>;
    return { path: facts ? { state: "works", facts } : { state: "blocked" }, offers };
  } catch (error) {
    if (!(error instanceof LineError)) throw error;
    return without(error.problem);
  } finally {
    line?.close();
  }
}

function without(problem: LineProblem): Known {
  switch (problem) {
    case "away":
      return { problem: navigator.onLine ? "away" : "offline" };
    case "busy":
      return { problem: "busy" };
    case "absent":
      return { path: { state: "absent" }, offers: {} };
    case "blocked":
    case "closed": // it was there, and went in the middle
      return { path: { state: "blocked" }, offers: {} };
  }
}

async function measure(line: MirrorLine, rates: boolean): Promise<LineFacts | null> {
  const facts = await pings(line, rates ? PINGS_FULL : PINGS_QUICK);
  if (!facts) return null;
  if (!rates) return { ...facts, upKbps: null, downKbps: null };
  const upKbps = await upward(line);
  const downKbps = await downward(line);
  return { ...facts, upKbps, downKbps };
}

async function pings(line: MirrorLine, count: number): Promise<ReturnType<typeof pingFacts>> {
  const sent = new Map<number, number>(); // number → when
  const pongs: Pong[] = [];
  line.onmessage((data, at) => {
    if (data.getUint8(0) !== CheckPing || data.byteLength < 9) return;
    const n = data.getUint32(1);
    const left = sent.get(n);
    if (left === undefined || at - left > ECHO_MS) return;
    sent.set(n, Infinity); // a second echo is none
    pongs.push({ n, rttMs: at - left, had: data.getUint32(5) });
  });
  await line.every(PING_EVERY_MS, count * PING_EVERY_MS + ECHO_MS, () => {
    if (sent.size < count) {
      const ping = message(CheckPing, PING_BYTES);
      ping.view.setUint32(1, sent.size);
      sent.set(sent.size, performance.now());
      line.send(ping.bytes);
    }
    return pongs.length === count;
  });
  return pingFacts(sent.size, pongs);
}

async function upward(line: MirrorLine): Promise<number | null> {
  const { bytes } = message(CheckUp, CheckPacket);
  let sent = 0;
  await line.every(PACE_MS, CheckMaxMS, (passed) => {
    for (const due = packetsDue(passed); sent < due; sent++) line.send(bytes);
    return false;
  });
  let bins: number[] | null = null;
  line.onmessage((data) => {
    if (data.getUint8(0) !== CheckReport || data.byteLength < 1 + 4 * CheckBins) return;
    bins = Array.from({ length: CheckBins }, (_, i) => data.getUint32(1 + 4 * i));
  });
  const report = message(CheckReport, 1).bytes;
  await repeat(line, report, () => bins !== null);
  return bins && steadyKbps(bins, BURST_BINS, CheckBinMS);
}

async function downward(line: MirrorLine): Promise<number | null> {
  const bins = Array<number>(CheckBins).fill(0);
  let first: number | null = null;
  line.onmessage((data, at) => {
    if (data.getUint8(0) !== CheckBurst) return;
    first ??= at;
    const bin = Math.floor((at - first) / CheckBinMS);
    if (bin < CheckBins) bins[bin] = (bins[bin] ?? 0) + data.byteLength;
  });
  const request = message(CheckDown, 5);
  request.view.setUint16(1, RATE_KBPS);
  request.view.setUint16(3, CheckMaxMS);
  await repeat(line, request.bytes, () => first !== null);
  if (first === null) return null;
  const begun: number = first;
  await line.every(CheckBinMS, CheckMaxMS + AGAIN_MS, () => performance.now() - begun >= CheckMaxMS);
  return steadyKbps(bins, BURST_BINS, CheckBinMS);
}

/** Says something until it is answered: it may get lost, and so may the answer. */
function repeat(line: MirrorLine, said: Uint8Array<ArrayBuffer>, answered: () => boolean): Promise<void> {
  line.send(said);
  let at = performance.now();
  return line.every(PACE_MS, REPORT_MS, () => {
    if (performance.now() - at >= AGAIN_MS && !answered()) {
      line.send(said);
      at = performance.now();
    }
    return answered();
  });
}

function packetsDue(passedMs: number): number {
  return Math.floor((RATE_KBPS * passedMs) / (8 * CheckPacket));
}

function message(tag: number, size: number): { bytes: Uint8Array<ArrayBuffer>; view: DataView } {
  const bytes = new Uint8Array(size);
  bytes[0] = tag;
  return { bytes, view: new DataView(bytes.buffer) };
}
