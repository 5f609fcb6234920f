import type { SDP } from "../protocol/sealed.gen.ts";
import { Emitter } from "./emitter.ts";
import type { Leg } from "./leg.ts";
import type { LocalTracks } from "./mlines.ts";
import type { Description, Negotiation } from "./negotiation.ts";
import type { RemoteTrack } from "./remote.ts";
import { SparePeer } from "./sparepeer.ts";

/** Two connections may come up at once. The guest goes where the host is; so long the host waits for it. */
const SETTLED_MS = 8_000;

/** A connection that takes the place of another. */
export interface Moved {
  readonly leg: Leg;
  readonly tracks: readonly RemoteTrack[];
}

interface SecondsEvents {
  /** To be told to the other side. */
  send: Description;
  /** One is connected or even proven: {@link Seconds.take}. */
  up: undefined;
  /** The other side goes on by this one: so must we. */
  moved: Moved;
  /** Said by one of them. */
  message: unknown;
  /** {@link Seconds.glimpse} has changed. */
  glimpse: undefined;
}

interface SecondsConfig {
  readonly role: "host" | "guest";
  make(asleep: boolean): Leg;
  configure(negotiation: Negotiation): void;
}

/**
 * The connections beside the one in use: one on standby since the call began, one more made on the spot while the first is
 * silent; and which of them the two agree on.
 */
export class Seconds extends Emitter<SecondsEvents> {
  readonly #config: SecondsConfig;
  readonly #standby: SparePeer;
  readonly #spot: SparePeer;
  #movedAt = -Infinity;
  #met = false; // the other side has said something by the connection in use

  constructor(config: SecondsConfig) {
    super();
    this.#config = config;
    this.#standby = this.#second();
    this.#spot = this.#second();
  }

  /** What of the other side has come by one of them, and is proven: see {@link SparePeer.glimpse}. */
  get glimpse(): readonly RemoteTrack[] {
    return this.#all.map((second) => second.glimpse).find((tracks) => tracks.length > 0) ?? [];
  }

  /** One of them is being tried. */
  get awake(): boolean {
    return this.#all.some((second) => second.awake);
  }

  /** Host, while all is well. */
  prepare(): void {
    this.#standby.prepare();
  }

  /** Nothing comes any more. */
  wake(): void {
    this.#standby.wake();
  }

  /** Host: offers one for the network as it is now. */
  offer(): void {
    this.#spot.offer();
  }

  /** Guest: an offer will come soon. */
  expect(): void {
    this.#spot.expect();
  }

  /** Guest: takes the offer of one. */
  answer(offer: SDP): void {
    (offer.standby ? this.#standby : this.#spot).answer(offer);
  }

  /** Takes what is about one of them; false if it is about another connection. */
  receive(message: Description): boolean {
    return this.#standby.receive(message) || this.#spot.receive(message);
  }

  /** What has become of the relay credentials is no matter of one that is in use already. */
  refresh(): void {
    this.#standby.refresh();
  }

  /** The other side has said something by the connection in use. */
  met(): void {
    this.#met = true;
  }

  /** Hands over one that is bound, if there is; one that is merely connected is sent by. */
  take(tracks: LocalTracks): Moved | null {
    for (const second of this.#all) {
      const moved = this.#take(second);
      if (moved) return moved;
    }
    for (const second of this.#all) second.feed(tracks);
    return null;
  }

  /** The connection in use is made anew, perhaps with another page at its other end. */
  reset(): void {
    for (const second of this.#all) second.reset();
    this.#met = false;
  }

  close(): void {
    for (const second of this.#all) second.close();
  }

  get #all(): readonly SparePeer[] {
    return [this.#standby, this.#spot];
  }

  #take(second: SparePeer): Moved | null {
    const moved = second.take();
    if (!moved) return null;
    this.#movedAt = performance.now();
    this.#met = false;
    return moved;
  }

  #second(): SparePeer {
    const second = new SparePeer(this.#config);
    second.on("send", (m) => this.emit("send", m));
    second.on("connected", () => this.emit("up", undefined));
    second.on("up", () => this.emit("up", undefined));
    second.on("glimpse", () => this.emit("glimpse", undefined));
    second.on("message", (json) => {
      // A guest that was here and speaks there has left for good.
      const waits = this.#config.role === "host" && !this.#met && performance.now() - this.#movedAt < SETTLED_MS;
      const moved = waits ? null : this.#take(second);
      if (moved) this.emit("moved", moved);
      this.emit("message", json);
    });
    return second;
  }
}
