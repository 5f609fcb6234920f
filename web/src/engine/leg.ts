import type { SDP } from "../protocol/sealed.gen.ts";
import { Ctl } from "./ctl.ts";
import type { DataKeys } from "./datakeys.ts";
import type { SealedJSON } from "./e2ee/effects.ts";
import type { Code } from "./e2ee/errors.ts";
import { Emitter } from "./emitter.ts";
import { FileChannel } from "./files/channel.ts";
import type { Chunk } from "./files/chunk.ts";
import type { Description, Negotiation } from "./negotiation.ts";
import { Numbering } from "./numbering.ts";
import type { RemoteTrack } from "./remote.ts";

interface LegEvents {
  send: Description;
  track: RemoteTrack;
  untrack: MediaStreamTrack;
  frames: "failed" | "needs-keys";
  bound: { certificateChecked: boolean };
  message: unknown; // over ctl
  chunk: Chunk; // over files
  /** ICE and DTLS are up, with the certificate that was announced. */
  connected: undefined;
  /** Bound, and media can flow. */
  up: undefined;
  /** `left`: the other side has closed it. */
  lost: { left: boolean };
  violated: Code;
  negotiated: undefined;
  offered: { restart: boolean };
}

/** A connection in the making; `made` once it is, so that nobody has to wait a tick for it. */
export interface Prepared {
  readonly ready: Promise<Negotiation>;
  made?: Negotiation;
}

/** One peer connection of a {@link Transport} with its data channels, from when it is being made until it is closed. */
export class Leg extends Emitter<LegEvents> {
  readonly startedAt = performance.now();
  readonly #prepared: Prepared;
  readonly #keys: DataKeys;
  #negotiation: Negotiation | null = null;
  #ctl: Ctl | null = null;
  #files: FileChannel | null = null;
  #closed = false;
  #theirGen: number | null = null;
  #certificateChecked = false;

  constructor(prepared: Prepared, keys: DataKeys) {
    super();
    this.#prepared = prepared;
    this.#keys = keys;
  }

  get negotiation(): Negotiation | null {
    return this.#negotiation;
  }

  /** The channel for files, once the connection is proven. */
  get files(): FileChannel | null {
    return this.bound ? this.#files : null;
  }

  get bound(): boolean {
    return this.#ctl?.open === true;
  }

  /** Nothing waits in the channel. */
  get idle(): boolean {
    return this.#ctl?.idle === true;
  }

  /** Bound, and ICE and DTLS are up as far as the browser knows. */
  get up(): boolean {
    return this.bound && this.#negotiation?.connected === true;
  }

  get certificateChecked(): boolean {
    return this.#certificateChecked;
  }

  /** The certificate that the other side has told, null before. */
  get remoteFp(): string | null {
    return this.#negotiation?.remoteFp ?? null;
  }

  /** Of the other side's connection, null before it has said anything. */
  get theirGen(): number | null {
    return this.#theirGen;
  }

  /** Whether a description answers an offer of this connection. */
  isAnsweredBy(message: SDP): boolean {
    const gen = this.#negotiation?.gen;
    return gen !== undefined && message.type === "answer" && Numbering.answers(message, gen);
  }

  /** Lets `adopt` finish the connection as soon as it is made, then releases it. Listen to this leg before. */
  start(adopt: (negotiation: Negotiation) => void): void {
    const { ready, made } = this.#prepared;
    if (made) return this.#adopt(made, adopt);
    void ready.then((negotiation) => {
      if (this.#closed) negotiation.close();
      else this.#adopt(negotiation, adopt);
    });
  }

  receive(message: Description): void {
    if (message.t === "sdp") this.#theirGen = message.gen;
    void this.#prepared.ready.then((n) => n.receive(message));
  }

  /** A connection that was made asleep begins to connect. */
  wake(): void {
    void this.#prepared.ready.then((n) => n.wake());
  }

  /** Seals a message into the channel; false if it is not there or not bound. */
  send(json: SealedJSON): boolean {
    return this.#ctl?.send(json) ?? false;
  }

  /** Closes; with a delay, and without media at once, if the channel still has a goodbye to deliver. */
  close(delayMs = 0): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#ctl?.close();
    this.#files?.close();
    const negotiation = this.#negotiation;
    if (!negotiation) return void this.#prepared.ready.then((n) => n.close());
    if (delayMs === 0) return negotiation.close();
    negotiation.setTracks({ mic: null, camera: null });
    setTimeout(() => negotiation.close(), delayMs);
  }

  #adopt(negotiation: Negotiation, adopt: (negotiation: Negotiation) => void): void {
    this.#negotiation = negotiation;
    negotiation.on("send", (m) => this.#tell("send", m));
    negotiation.on("offered", (o) => this.#tell("offered", o));
    negotiation.guard.on("track", (t) => this.#tell("track", t));
    negotiation.guard.on("untrack", (t) => this.#tell("untrack", t));
    negotiation.guard.on("failed", () => this.#tell("frames", "failed"));
    negotiation.guard.on("needsKeys", () => this.#tell("frames", "needs-keys"));
    negotiation.on("violated", (code) => this.#tell("violated", code));
    negotiation.on("negotiated", () => this.#tell("negotiated", undefined));
    negotiation.on("channel", (c) => this.#openCtl(c, negotiation));
    negotiation.on("state", (s) => (s === "connected" ? this.#connected() : this.#tell("lost", { left: false })));
    adopt(negotiation);
    if (negotiation.channel) this.#openCtl(negotiation.channel, negotiation);
    negotiation.release();
    if (negotiation.negotiated) this.#rehearsed(negotiation);
  }

  /** It was negotiated before admission: what it has said since then nobody has heard. */
  #rehearsed(negotiation: Negotiation): void {
    this.#theirGen = negotiation.theirGen;
    this.#tell("negotiated", undefined);
    negotiation.guard.settle();
    if (negotiation.connected) this.#connected();
  }

  #openCtl(channel: RTCDataChannel, negotiation: Negotiation): void {
    this.#files?.close();
    const files = (this.#files = new FileChannel(negotiation.pc, this.#keys));
    const ctl = (this.#ctl = new Ctl(channel, negotiation, this.#keys));
    files.on("chunk", (chunk) => ctl.open && this.#tell("chunk", chunk));
    files.on("violated", (code) => this.#tell("violated", code));
    ctl.on("message", (json) => this.#tell("message", json));
    ctl.on("violated", (code) => this.#tell("violated", code));
    ctl.on("closed", () => this.#tell("lost", { left: true }));
    ctl.on("bound", (b) => {
      this.#certificateChecked = b.certificateChecked;
      this.#tell("bound", b);
      this.#checkUp();
    });
    ctl.catchUp(negotiation.takeEarly());
  }

  #connected(): void {
    this.#tell("connected", undefined);
    this.#checkUp();
  }

  #checkUp(): void {
    if (this.up) this.#tell("up", undefined);
  }

  /** A closed leg says nothing any more. */
  #tell<K extends keyof LegEvents>(event: K, value: LegEvents[K]): void {
    if (!this.#closed) this.emit(event, value);
  }
}
