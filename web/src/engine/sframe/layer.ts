import type { Policy } from "../e2ee/caps.ts";
import { equal } from "../e2ee/encode.ts";
import type { LinkRole } from "../e2ee/link.ts";
import { Emitter } from "../emitter.ts";
import { Scope } from "../scope.ts";
import type { FromWorker, StreamCounts, StreamOptions, ToWorker } from "./messages.ts";
import { startWorker } from "../workers.ts";

/** Longer than any answer takes on a machine that is busy with something else. */
const ANSWER_MS = 3_000;

/** As much of a session as frames need. */
export interface FrameSession {
  readonly role: LinkRole;
  readonly epoch: number;
  readonly policy: Policy;
  media(): Uint8Array;
}

interface LayerEvents {
  /** The worker had died and another runs: every transform has to be made again. It has no keys yet. */
  restarted: undefined;
}

/** Whether this browser can encrypt frames; what it announces in the handshake depends on it. */
export function canEncryptFrames(): boolean {
  return typeof Worker === "function" && typeof globalThis.RTCRtpScriptTransform === "function";
}

/**
 * The encryption of media frames in a worker of its own, for all connections of a party. The counters live in the worker;
 * if it dies they are lost, so its keys are not used again: a re-key brings others.
 */
export class FrameLayer extends Emitter<LayerEvents> {
  readonly #scope = new Scope();
  readonly #verified = new Map<number, () => void>();
  #worker: Worker;
  #mode: "closed" | "off" | "on" = "closed";
  #media: Uint8Array | null = null;
  #spent: Uint8Array | null = null; // secret whose counters died with a worker
  #next = 0;
  #asking: { readonly n: number; answer(streams: readonly StreamCounts[]): void } | null = null;

  constructor() {
    super();
    this.#worker = this.#start();
  }

  /** The other side cannot do it, and nobody demands it. */
  get off(): boolean {
    return this.#mode === "off";
  }

  /** Takes the keys of a session, new or renewed, for what comes and if `sending` for what leaves; or none, if its policy says so. */
  use(session: FrameSession, sending = true): void {
    const { role, epoch, policy } = session;
    const media = session.media();
    if (this.#spent && equal(this.#spent, media)) return;
    if (policy.sframe === 0) {
      if (this.#mode === "on") this.#restart(); // another guest, who cannot: a worker with keys never lets frames pass
      this.#mode = "off";
      this.#say({ t: "off" });
      return;
    }
    this.#mode = "on";
    this.#media = media;
    this.#say({ t: "keys", role, epoch, media, sending });
  }

  /** For `transform` of a sender or receiver. `verified`: its first frame has authenticated. */
  transform(options: Omit<StreamOptions, "id">, verified?: () => void): { id: number; transform: RTCRtpTransform } {
    const id = this.#next++;
    if (verified) this.#verified.set(id, verified);
    return { id, transform: new RTCRtpScriptTransform(this.#worker, { ...options, id } satisfies StreamOptions) };
  }

  /** Of a connection that is closed. */
  forget(id: number): void {
    this.#verified.delete(id);
  }

  tellVp8(payloads: readonly number[]): void {
    this.#say({ t: "vp8", payloads });
  }

  /** What the worker has counted; null if it did not answer, and then another was started. */
  async counts(): Promise<ReadonlyMap<number, StreamCounts> | null> {
    const streams = await new Promise<readonly StreamCounts[] | null>((resolve) => {
      const n = this.#next++;
      const cancel = this.#scope.timeout(() => resolve(null), ANSWER_MS);
      this.#asking = { n, answer: (streams) => (cancel(), resolve(streams)) };
      this.#say({ t: "count", n });
    });
    if (streams) return new Map(streams.map((s) => [s.id, s]));
    this.#restart();
    return null;
  }

  close(): void {
    this.#scope.close();
    this.#worker.terminate();
  }

  #restart(): void {
    if (this.#scope.closed) return;
    this.#worker.terminate();
    this.#spent = this.#media;
    this.#verified.clear();
    this.#worker = this.#start();
    this.emit("restarted", undefined);
  }

  #start(): Worker {
    const worker = startWorker("frames");
    this.#scope.listen(worker, "message", (e) => this.#receive((e as MessageEvent<FromWorker>).data));
    this.#scope.listen(worker, "error", () => worker === this.#worker && this.#restart());
    return worker;
  }

  #receive(message: FromWorker): void {
    if (message.t === "counts") {
      if (message.n === this.#asking?.n) this.#asking.answer(message.streams);
      return;
    }
    this.#verified.get(message.id)?.();
    this.#verified.delete(message.id);
  }

  #say(message: ToWorker): void {
    this.#worker.postMessage(message, []);
  }
}
