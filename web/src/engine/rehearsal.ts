import type { Candidate, CandidatesEnd, Rehearse, SDP } from "../protocol/sealed.gen.ts";
import type { Description, Negotiation } from "./negotiation.ts";
import { Probe, type Carried } from "./probe.ts";
import { Scope } from "./scope.ts";
import { NO_FINGERPRINT } from "./sdp.ts";
import { pathOf, readSample } from "./stats.ts";
import type { Prepared } from "./leg.ts";
import type { Rehearsed } from "./types.ts";

/** How often it is looked whether the path has come up, and what its round trip is. */
const LOOK_MS = 500;

interface RehearsalConfig {
  readonly role: "host" | "guest";
  readonly prepared: Prepared;
  /** Costs 120 kB each way. */
  readonly measure: boolean;
  say(message: Rehearse): void;
  changed(path: Rehearsed | null): void;
}

/**
 * The path between two people who wait for each other's decision: the connection that lies ready for admission is connected
 * before, over the relay and without media (docs/protocol.md, section 9). Admission then only starts the senders.
 *
 * Whatever goes wrong with it is no fault of the call: then the call connects as it would have without.
 */
export class Rehearsal {
  readonly prepared: Prepared;
  readonly #config: RehearsalConfig;
  readonly #scope = new Scope();
  #carried: Carried | null = null;
  #failed = false;
  #told = "";

  constructor(config: RehearsalConfig) {
    this.#config = config;
    this.prepared = config.prepared;
    void this.prepared.ready.then((negotiation) => {
      if (!this.#scope.closed) this.#begin(negotiation);
    });
  }

  /** It broke: the connection is of no use for a call. */
  get failed(): boolean {
    return this.#failed;
  }

  /** What the other side says is about another connection than this: it has made a new one. */
  isOther(message: Rehearse): boolean {
    const known = this.prepared.made?.remoteFp ?? null;
    return message.sdp?.type === "offer" && known !== null && known !== message.sdp.fp;
  }

  receive(message: Rehearse): void {
    const inner = rehearsedMessage(message);
    if (!inner) return;
    // The host offers and the guest answers, and nothing more is negotiated before admission.
    if (inner.t === "sdp" && inner.type !== (this.#config.role === "host" ? "answer" : "offer")) return;
    void this.prepared.ready.then((negotiation) => {
      if (!this.#scope.closed) negotiation.receive(inner);
    });
  }

  /** The connection is given up: the other side is told to begin again. */
  drop(): void {
    const none = { t: "sdp", type: "rollback", gen: 0, sdp: "", fp: NO_FINGERPRINT } as const;
    if (this.prepared.made?.remoteFp) this.#config.say({ t: "rehearse", sdp: none });
    this.close();
  }

  /** Admitted, or over. The connection is its owner's. */
  close(): void {
    this.#scope.close();
    this.#config.changed(null);
  }

  #begin(negotiation: Negotiation): void {
    this.#scope.add(negotiation.on("send", (m) => this.#config.say(wrapped(m))));
    this.#scope.add(negotiation.on("violated", () => (this.#failed = true)));
    this.#scope.add(
      negotiation.on("negotiated", () => {
        if (this.#config.measure) this.#measure(negotiation);
      }),
    );
    this.#scope.interval(() => void this.#look(negotiation), LOOK_MS);
    negotiation.rehearse();
  }

  #measure(negotiation: Negotiation): void {
    const probe = new Probe(negotiation.pc);
    this.#scope.add(() => probe.close());
    probe.on("carried", (carried) => (this.#carried = carried));
  }

  async #look(negotiation: Negotiation): Promise<void> {
    if (!negotiation.connected) return this.#tell(null);
    const report = await negotiation.pc.getStats();
    const sample = readSample(report as unknown as Iterable<[string, unknown]>);
    if (!sample || this.#scope.closed) return;
    const { rttMs } = pathOf(sample, null);
    this.#tell({ rttMs, kbps: this.#carried?.kbps ?? null, loss: this.#carried?.loss ?? null });
  }

  #tell(path: Rehearsed | null): void {
    const text = JSON.stringify(path);
    if (text !== this.#told) this.#config.changed(path);
    this.#told = text;
  }
}

/** What a message of a rehearsal carries. */
export function rehearsedMessage({ sdp, ice, end }: Rehearse): SDP | Candidate | CandidatesEnd | null {
  return sdp ?? ice ?? end ?? null;
}

function wrapped(message: Description): Rehearse {
  if (message.t === "sdp") return { t: "rehearse", sdp: message };
  return message.t === "ice" ? { t: "rehearse", ice: message } : { t: "rehearse", end: message };
}
