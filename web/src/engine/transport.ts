import type { Server } from "../protocol/messages.gen.ts";
import type { DataKeys } from "./datakeys.ts";
import type { SealedJSON } from "./e2ee/effects.ts";
import type { Code } from "./e2ee/errors.ts";
import { Emitter } from "./emitter.ts";
import type { FileChannel } from "./files/channel.ts";
import type { Chunk } from "./files/chunk.ts";
import { Leg, type Prepared } from "./leg.ts";
import type { LocalTracks } from "./mlines.ts";
import { Negotiation, type Description } from "./negotiation.ts";
import type { Traffic } from "./pulse.ts";
import type { RemoteTrack } from "./remote.ts";
import { Scope } from "./scope.ts";
import { NO_FINGERPRINT } from "./sdp.ts";
import { Seconds, type Moved } from "./seconds.ts";
import type { FrameLayer } from "./sframe/layer.ts";
import { readTraffic } from "./stats.ts";
import type { OutgoingMedia, OutgoingScreen } from "./types.ts";

export type { Prepared };

/** How often a host looks whether a standby connection is there; the first time the call has just begun. */
const STANDBY_MS = 3_000;

/** So many connections that were given up are remembered. */
const LIMIT_OVER = 16;

interface TransportEvents {
  /** To be sent through the server. */
  send: Description;
  track: RemoteTrack;
  /** It must not be shown any more. */
  untrack: MediaStreamTrack;
  /** Frame encryption does not hold, or lacks keys. */
  frames: "failed" | "needs-keys";
  /**
   * The peer connection is given up for another: nothing that came over it counts any more. `second`: for one that the same
   * page at the other end has made beside it, with what has come by that.
   */
  replaced: { second: readonly RemoteTrack[] | null };
  bound: { certificateChecked: boolean };
  message: unknown; // over ctl
  chunk: Chunk; // over files
  /** Bound, and media can flow. */
  flowing: undefined;
  /** `left`: the other side has closed the connection, and no other is being tried. */
  lost: { left: boolean };
  violated: Code;
  negotiated: undefined;
  /** The other side has offered; `restart`: another path. */
  offered: { restart: boolean };
  /** There is a second connection, and it is connected or even proven: {@link Transport.switchOver}. */
  spare: undefined;
  /** {@link Transport.glimpse} has changed. */
  glimpse: undefined;
}

export interface TransportConfig {
  readonly role: "host" | "guest";
  readonly media: OutgoingMedia;
  readonly screen?: OutgoingScreen | undefined;
  readonly keys: DataKeys;
  readonly servers: readonly Server[];
  readonly relayOnly: boolean;
  readonly origin: string; // of the server
  readonly frames: FrameLayer | null;
}

/**
 * The media connection of a conversation: a peer connection and its bound channel; one on standby, and one more while the
 * first is silent ({@link Seconds}). Either side may lose its own by a reload; then both make another, bound to the keys
 * of the handshake that followed.
 */
export class Transport extends Emitter<TransportEvents> {
  readonly #config: TransportConfig;
  #servers: readonly Server[];
  #relayOnly: boolean;
  #made = 0; // peer connections of ours
  #leg: Leg | null = null;
  /** Certificates of connections that were given up. What is still said of them comes late, by the slower way. */
  #over: string[] = [];
  readonly #scope = new Scope();
  readonly #seconds: Seconds;

  constructor(config: TransportConfig) {
    super();
    this.#config = config;
    this.#servers = config.servers;
    this.#relayOnly = config.relayOnly;
    this.#seconds = this.#makeSeconds();
    if (config.role === "host") this.#scope.interval(() => this.#leg?.up && this.#seconds.prepare(), STANDBY_MS);
  }

  /** The channel for files, once the connection is proven. */
  get files(): FileChannel | null {
    return this.#leg?.files ?? null;
  }

  get negotiation(): Negotiation | null {
    return this.#leg?.negotiation ?? null;
  }

  /** What of the other side has come by a second connection, and is proven though that is not bound yet. */
  get glimpse(): readonly RemoteTrack[] {
    return this.#seconds.glimpse;
  }

  /** Begins with a connection that was made before admission, or with a new one. */
  open(prepared: Prepared | null): void {
    this.#seconds.reset();
    this.#giveUp();
    this.emit("replaced", { second: null });
    if (prepared) this.#made++;
    const leg = (this.#leg = new Leg(
      prepared ?? { ready: this.#create(this.#config.media.tracks) },
      this.#config.keys,
    ));
    this.#listen(leg);
    leg.start((negotiation) => {
      // Both may have changed while it was made.
      negotiation.setTracks(this.#tracks);
      negotiation.configure(this.#servers, this.#relayOnly);
    });
  }

  /** Guest after a reload: asks the host for a fresh offer. */
  askForOffer(): void {
    const gen = Math.max(0, this.#made - 1);
    this.emit("send", { t: "sdp", type: "rollback", gen, sdp: "", fp: NO_FINGERPRINT });
  }

  /** A new handshake with the same person. What still works is left alone. */
  resumed(): void {
    if (this.#leg?.bound && this.#leg.negotiation?.alive) return;
    if (this.#config.role === "host") this.open(null);
    else this.askForOffer();
  }

  /** Nothing comes any more: wakes the one on standby. */
  wake(): void {
    this.#seconds.wake();
  }

  /** Guest: the host has been found again, and will offer at once. */
  expect(): void {
    if (this.#config.role === "guest") this.#seconds.expect();
  }

  /** And has another made, for the network as it is now. The host's to do; the guest gets ready for it. */
  rescue(): void {
    this.wake();
    if (this.#config.role === "host" && this.#leg?.bound) this.#seconds.offer();
  }

  /** Goes on by a second connection if it is proven; if it is merely connected, sends by it. */
  switchOver(): void {
    const moved = this.#seconds.take(this.#tracks);
    if (moved) this.#moveTo(moved);
  }

  #moveTo({ leg, tracks }: Moved): void {
    this.#giveUp();
    this.#leg = leg;
    this.emit("replaced", { second: tracks });
    this.#listen(leg);
    leg.negotiation?.configure(this.#servers, this.#relayOnly); // it may be minutes old
    this.syncTracks();
    this.emit("negotiated", undefined);
    this.emit("bound", { certificateChecked: leg.certificateChecked });
    this.checkFlow();
  }

  #giveUp(): void {
    const fp = this.#leg?.remoteFp;
    if (fp) this.#over = [...this.#over, fp].slice(-LIMIT_OVER);
    this.#leg?.close();
    this.#leg = null;
  }

  receive(message: Description): void {
    if (message.t === "sdp" && this.#over.includes(message.fp)) return;
    const ours = message.t === "sdp" && message.fp === this.#leg?.remoteFp;
    if (!ours && this.#seconds.receive(message)) return;
    if (message.t === "sdp") {
      const remote = this.#leg?.remoteFp ?? null;
      const other = message.type === "offer" && remote !== null && remote !== message.fp; // they have a new one
      if (message.spare && message.type === "rollback") return; // of one that is dropped here, too
      if (other && message.spare) {
        if (this.#config.role === "guest") this.#seconds.answer(message);
        return;
      }
      const gone = message.type === "rollback" && remote !== null; // they lost theirs after answering ours
      if (message.type === "answer" && remote !== null && !ours) return; // to what has been given up
      if (gone || other) this.open(null);
      if (message.type === "rollback") return;
    }
    this.#leg?.receive(message);
  }

  /** Seals a message into the channel; false if it is not there or not bound. */
  send(json: SealedJSON): boolean {
    return this.#leg?.send(json) ?? false;
  }

  /** As `send`, if it would arrive soon: the path is up. */
  sendNow(json: SealedJSON): boolean {
    return this.#leg?.up === true && this.send(json);
  }

  /** Tells the other side when it will hear from us again; not while the path is too slow for what waits already. */
  beat(ms: number): void {
    if (this.#leg?.idle) this.#leg.send({ t: "beat", ms });
  }

  /** What has gone over the bound connection; null while there is none. */
  async traffic(): Promise<Traffic | null> {
    const leg = this.#leg;
    if (!leg?.negotiation || !leg.bound) return null;
    const report = await leg.negotiation.pc.getStats();
    return leg === this.#leg ? readTraffic(report as unknown as Iterable<[string, unknown]>) : null;
  }

  configure(servers: readonly Server[], relayOnly: boolean): void {
    const moved = relayOnly !== this.#relayOnly;
    // What it has of the relay goes with the credentials; another is made soon.
    if (servers !== this.#servers && this.#config.role === "host") this.#seconds.refresh();
    this.#servers = servers;
    this.#relayOnly = relayOnly;
    if (!moved || !this.negotiation) {
      this.negotiation?.configure(servers, relayOnly);
      return;
    }
    // An ICE restart would not do: Chromium stays on a direct pair that still
    // works, whatever the policy says. So both sides make another connection.
    this.open(null);
    if (this.#config.role === "guest") this.askForOffer();
  }

  syncTracks(): void {
    this.negotiation?.setTracks(this.#tracks);
  }

  /** Closes; with a delay, and without media at once, if the channel still has a goodbye to deliver. */
  close(delayMs = 0): void {
    this.#scope.close();
    this.#seconds.close();
    this.#leg?.close(delayMs);
    this.#leg = null;
  }

  /** Says again that media flows, if it can. */
  checkFlow(): void {
    if (this.#leg?.up) this.emit("flowing", undefined);
  }

  get #tracks(): LocalTracks {
    const { media, screen } = this.#config;
    return { ...media.tracks, screen: screen ? { ...screen.tracks, mode: screen.mode } : null };
  }

  #makeSeconds(): Seconds {
    const seconds = new Seconds({
      role: this.#config.role,
      make: (asleep) =>
        new Leg({ ready: this.#create({ mic: null, camera: null }, { asleep, fresh: !asleep }) }, this.#config.keys),
      configure: (n) => n.configure(this.#servers, this.#relayOnly),
    });
    seconds.on("send", (m) => this.#say(m));
    seconds.on("up", () => this.emit("spare", undefined));
    seconds.on("moved", (moved) => this.#moveTo(moved));
    seconds.on("message", (json) => this.emit("message", json));
    seconds.on("glimpse", () => this.emit("glimpse", undefined));
    return seconds;
  }

  #create(tracks: LocalTracks, made: { asleep?: boolean; fresh?: boolean } = {}): Promise<Negotiation> {
    const { role, origin, frames } = this.#config;
    const [gen, servers, relayOnly] = [this.#made++, this.#servers, this.#relayOnly];
    return Negotiation.create({ role, gen, servers, relayOnly, origin, tracks, frames, ...made });
  }

  /** By both ways, since either may be cut: the server may be gone, and this is how a dead path is replaced. */
  #say(message: Description): void {
    this.#leg?.send({ ...message });
    this.emit("send", message);
  }

  #listen(leg: Leg): void {
    leg.on("send", (m) => this.#say(m));
    leg.on("offered", (o) => this.emit("offered", o));
    leg.on("track", (t) => this.emit("track", t));
    leg.on("untrack", (t) => this.emit("untrack", t));
    leg.on("frames", (f) => this.emit("frames", f));
    leg.on("bound", (b) => this.emit("bound", b));
    leg.on("message", (json) => {
      this.#seconds.met();
      this.emit("message", json);
    });
    leg.on("chunk", (chunk) => this.emit("chunk", chunk));
    leg.on("up", () => this.emit("flowing", undefined));
    leg.on("lost", ({ left }) => this.emit("lost", { left: left && !this.#seconds.awake }));
    leg.on("violated", (code) => this.emit("violated", code));
    leg.on("negotiated", () => this.emit("negotiated", undefined));
  }
}
