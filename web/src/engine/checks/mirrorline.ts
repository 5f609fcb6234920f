import { decodeCheckReply, decodeRefusal } from "../../protocol/decode.ts";
import { PathCheck, type CheckReply, type CheckRequest, type CheckTransport } from "../../protocol/messages.gen.ts";
import { Scope } from "../scope.ts";
import { ownServers } from "../servers.ts";

/** So long a way into the relay that lets nothing through is waited for. */
const CONNECT_MS = 6_000;
/** More bytes than this do not wait in the browser for a slow line: it is the line that is measured. */
const LIMIT_QUEUED = 32_768;

/** RFC 8656 §7.2: the answer to an allocation that is one too many. */
const QUOTA_REACHED = 486;

/** Why there is no line. `absent`: not offered by this server. */
export type LineProblem = "blocked" | "absent" | "away" | "busy" | "closed";

export class LineError extends Error {
  readonly problem: LineProblem;

  constructor(problem: LineProblem) {
    super(problem);
    this.name = "LineError";
    this.problem = problem;
  }
}

/**
 * A connection with the server's own end of a network check, through the relay and over one way into it: what a relayed
 * call uses. Its packets may get lost and overtake each other. It lives until it is closed, 15 s at most.
 */
export class MirrorLine {
  readonly #scope: Scope;
  readonly #channel: RTCDataChannel;
  /** What this server offers. */
  readonly offered: readonly CheckTransport[];
  #receive: (data: DataView, at: number) => void = () => undefined;

  private constructor(scope: Scope, channel: RTCDataChannel, offered: readonly CheckTransport[]) {
    this.#scope = scope;
    this.#channel = channel;
    this.offered = offered;
    scope.listen(channel, "message", (event) => {
      const { data } = event as MessageEvent<unknown>;
      if (data instanceof ArrayBuffer && data.byteLength > 0) this.#receive(new DataView(data), performance.now());
    });
    scope.listen(channel, "close", () => scope.close());
  }

  /** Rejects with a LineError. `origin` is the server's; no other machine is asked for anything. */
  static async open(transport: CheckTransport, origin: string, signal: AbortSignal): Promise<MirrorLine> {
    const scope = new Scope();
    scope.listen(signal, "abort", () => scope.close());
    const pc = new RTCPeerConnection({ iceTransportPolicy: "relay" });
    scope.add(() => pc.close());
    let full = false; // the relay has no room for this address, which says nothing about the way
    scope.listen(pc, "icecandidateerror", (event) => {
      full ||= (event as RTCPeerConnectionIceErrorEvent).errorCode === QUOTA_REACHED;
    });
    try {
      if (signal.aborted) throw new LineError("closed");
      const channel = pc.createDataChannel("check", { ordered: false, maxRetransmits: 0 });
      channel.binaryType = "arraybuffer";
      const offer = await pc.createOffer();
      const reply = await ask({ transport, offer: offer.sdp ?? "" }, scope);
      const iceServers = ownServers([reply.server], origin);
      if (iceServers.length === 0) throw new LineError("away"); // not a server of good will
      // Only now: nothing is gathered before there is a description.
      pc.setConfiguration({ iceTransportPolicy: "relay", iceServers });
      await pc.setLocalDescription(offer);
      await pc.setRemoteDescription({ type: "answer", sdp: reply.answer });
      await opened(channel, scope);
      return new MirrorLine(scope, channel, reply.transports);
    } catch (error) {
      scope.close();
      if (signal.aborted) throw new LineError("closed");
      if (error instanceof LineError && error.problem !== "blocked") throw error;
      throw new LineError(full ? "busy" : "blocked");
    }
  }

  /** The one who hears what comes, with the time at which it came. */
  onmessage(receive: (data: DataView, at: number) => void): void {
    this.#receive = receive;
  }

  /** False if the line is slower than we are: then it is not sent. */
  send(data: Uint8Array<ArrayBuffer>): boolean {
    if (this.#channel.readyState !== "open" || this.#channel.bufferedAmount > LIMIT_QUEUED) return false;
    this.#channel.send(data);
    return true;
  }

  /** Calls `tick` every `ms` until it returns true or `lastMs` have passed. Rejects when the line is closed. */
  every(ms: number, lastMs: number, tick: (passedMs: number) => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const start = performance.now();
      const lost = this.#scope.add(() => reject(new LineError("closed")));
      const stop = this.#scope.interval(() => {
        const passed = performance.now() - start;
        if (!tick(passed) && passed < lastMs) return;
        stop();
        resolve();
        lost(); // a promise settles once
      }, ms);
    });
  }

  close(): void {
    this.#scope.close();
  }
}

async function ask(request: CheckRequest, scope: Scope): Promise<CheckReply> {
  const asking = new AbortController();
  const done = scope.add(() => asking.abort());
  const late = scope.timeout(() => asking.abort(), CONNECT_MS);
  let response: Response;
  let body: unknown;
  try {
    response = await fetch(PathCheck, { method: "POST", body: JSON.stringify(request), signal: asking.signal });
    body = await response.json();
  } catch {
    throw new LineError("away");
  } finally {
    late();
    done();
  }
  const reply = response.ok ? decodeCheckReply(body) : null;
  if (reply) return reply;
  switch (decodeRefusal(body)) {
    case "E_RATE":
    case "E_BUSY":
      throw new LineError("busy");
    case "E_POLICY":
      throw new LineError("absent");
    default:
      throw new LineError("away");
  }
}

function opened(channel: RTCDataChannel, scope: Scope): Promise<void> {
  return new Promise((resolve, reject) => {
    const no = (): void => reject(new LineError("blocked"));
    if (channel.readyState === "open") return resolve();
    const lost = scope.add(no);
    const late = scope.timeout(no, CONNECT_MS);
    const off = scope.listen(channel, "open", () => {
      resolve();
      off();
      late();
      lost();
    });
  });
}
