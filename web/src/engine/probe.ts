import { Emitter } from "./emitter.ts";
import { isArrayBuffer } from "./realm.ts";
import { Scope } from "./scope.ts";

/** What is sent to find out what the path carries: 120 kB, once. */
const PACKETS = 100;
const PACKET_BYTES = 1_200;
const HEADER_BYTES = 4; // number of the packet
/** The rate is the best over so long: in the beginning SCTP is still feeling its way. */
const WINDOW_MS = 250;
/** After the last one that came: what is still missing is lost. */
const QUIET_MS = 1_000;
/** More than this was not asked for. */
const LIMIT_PACKETS = 2 * PACKETS;

/** What a path carries in one direction, as its receiver has seen it. */
export interface Carried {
  readonly kbps: number;
  readonly loss: number; // 0…1
}

interface ProbeEvents {
  carried: Carried;
}

/** Sends numbered packets to the other side, unreliably and as fast as the path takes them, and looks at those that come. */
export class Probe extends Emitter<ProbeEvents> {
  readonly #channel: RTCDataChannel;
  readonly #scope = new Scope();
  readonly #tally = new Arrivals();
  #cancel: (() => void) | null = null;

  constructor(pc: RTCPeerConnection) {
    super();
    this.#channel = pc.createDataChannel("probe", { negotiated: true, id: 2, ordered: false, maxRetransmits: 0 });
    this.#channel.binaryType = "arraybuffer";
    this.#scope.add(() => this.#channel.close());
    this.#scope.listen(this.#channel, "message", (e) => this.#arrived((e as MessageEvent).data));
    if (this.#channel.readyState === "open") this.#send();
    else this.#scope.listen(this.#channel, "open", () => this.#send());
  }

  close(): void {
    this.#scope.close();
  }

  #send(): void {
    const packet = new Uint8Array(PACKET_BYTES);
    for (let n = 0; n < PACKETS; n++) {
      new DataView(packet.buffer).setUint32(0, n);
      this.#channel.send(packet);
    }
  }

  #arrived(data: unknown): void {
    if (!isArrayBuffer(data) || data.byteLength < HEADER_BYTES) return;
    if (this.#tally.count >= LIMIT_PACKETS) return this.close();
    this.#tally.add(new DataView(data).getUint32(0), data.byteLength, performance.now());
    this.#cancel?.();
    this.#cancel = this.#scope.timeout(() => this.emit("carried", this.#tally.sum()), QUIET_MS);
  }
}

/** Numbered packets as they come. Pure: told the time. */
export class Arrivals {
  readonly #seen: { at: number; bytes: number }[] = [];
  #last = -1;

  get count(): number {
    return this.#seen.length;
  }

  add(n: number, bytes: number, at: number): void {
    this.#seen.push({ at, bytes });
    if (n < PACKETS) this.#last = Math.max(this.#last, n);
  }

  sum(): Carried {
    const seen = this.#seen;
    let best = 0;
    for (let from = 0, to = 0, bytes = 0; to < seen.length; to++) {
      bytes += seen[to]?.bytes ?? 0;
      for (; (seen[to]?.at ?? 0) - (seen[from]?.at ?? 0) > WINDOW_MS; from++) bytes -= seen[from]?.bytes ?? 0;
      best = Math.max(best, bytes);
    }
    const span = Math.min(WINDOW_MS, Math.max(1, (seen.at(-1)?.at ?? 0) - (seen[0]?.at ?? 0)));
    const loss = this.#last < 0 ? 0 : Math.max(0, 1 - seen.length / (this.#last + 1));
    return { kbps: Math.round((best * 8) / span), loss };
  }
}
