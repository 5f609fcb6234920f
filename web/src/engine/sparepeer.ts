import type { SDP } from "../protocol/sealed.gen.ts";
import { Emitter } from "./emitter.ts";
import type { Leg } from "./leg.ts";
import type { Description, Negotiation } from "./negotiation.ts";
import type { LocalTracks } from "./mlines.ts";
import type { RemoteTrack } from "./remote.ts";
import { Scope } from "./scope.ts";

/** An offer that has not been answered may have been lost, and is said again; one that was gets its time to connect. */
const ANSWER_MS = 400;
/** How long one has to connect; twice as long each time that was too short, up to the last. */
const CONNECT_MS = 3_000;
const CONNECT_MAX_MS = 12_000;
/** What an offer knows of the network is true for so long. */
const FRESH_MS = 1_500;
/** So long a guest whose way to the server is back keeps a connection for the offer that will come. */
const EXPECT_MS = 3_000;
/** A guest takes no two offers that come closer together; what is made ahead has time. */
const AGAIN_MS = 200;
const AHEAD_AGAIN_MS = 2_000;
/** So long after that the first connection has recovered, or this one is in use, or it is worth another try. */
const LIFE_MS = 5_000;
/** One that is made ahead has time; a client that answers none of so many knows nothing of them. */
const AHEAD_MS = 6_000;
const LIMIT_ASKED = 3;

interface SpareEvents {
  /** To be told to the other side. */
  send: Description;
  /** Media may be sent by it: to the certificate that was announced. */
  connected: undefined;
  /** The other side has proven itself: media may be shown. */
  up: undefined;
  /** The other side says something by it: it has given the first connection up. */
  message: unknown;
  /** {@link SparePeer.glimpse} has changed. */
  glimpse: undefined;
}

interface SpareConfig {
  make(asleep: boolean): Leg;
  configure(negotiation: Negotiation): void;
}

/**
 * A second peer connection, made when nothing comes by the first any more, and used as soon as it is up if the first is
 * still silent. An ICE restart of the first is tried beside it and is faster where the new path is as good as the old
 * one; but to a path that it thinks less of, a relayed one after a direct one, Chromium moves only four seconds after
 * the old one has died. A connection of its own knows no other path.
 *
 * It may be made ahead, while all is well: then everything is exchanged but neither side tries anything before it is
 * woken. That needs no server and no path when the time comes, only that one side has noticed.
 *
 * What goes wrong with it is no fault of the call: then it is dropped.
 */
export class SparePeer extends Emitter<SpareEvents> {
  readonly #config: SpareConfig;
  #leg: Leg | null = null;
  #life: Scope | null = null; // from when it tries to connect
  #expected: Leg | null = null;
  #expecting = new Scope();
  #offered = -1; // gen of their last offer that was taken
  #answers = false; // the host's offer made ahead
  #asked = 0; // offers ahead without an answer
  #begunAt = -Infinity;
  #connectMs = CONNECT_MS;
  #tracks: readonly RemoteTrack[] = []; // of the other side

  constructor(config: SpareConfig) {
    super();
    this.#config = config;
  }

  /** Host: offers one, unless one is under way. */
  offer(): void {
    const leg = this.#leg;
    if (leg?.up) return;
    const age = leg ? performance.now() - leg.startedAt : Infinity;
    if (age < (leg?.remoteFp ? this.#connectMs : ANSWER_MS)) return;
    if (leg?.remoteFp) this.#connectMs = Math.min(2 * this.#connectMs, CONNECT_MAX_MS);
    if (age < FRESH_MS && !leg?.remoteFp) leg?.negotiation?.repeat();
    else this.#begin(false);
  }

  /** Host, while all is well: offers one ahead, unless there is one. */
  prepare(): void {
    const leg = this.#leg;
    if (leg?.remoteFp) this.#asked = 0;
    else if (!leg || performance.now() - leg.startedAt > AHEAD_MS) {
      if (this.#asked++ < LIMIT_ASKED) this.#begin(true);
      else this.drop();
    }
  }

  /** The one that was made ahead begins to connect. */
  wake(): void {
    if (!this.#leg || this.#life) return;
    this.#live();
  }

  /** Guest: an offer will come soon. Making a connection takes as long as a message of the host. */
  expect(): void {
    if (this.#expected || this.#leg?.bound) return;
    this.#expected = this.#config.make(false);
    this.#expecting.timeout(() => this.#unexpect(), EXPECT_MS);
  }

  /** Guest: takes the offer of one. */
  answer(offer: SDP): void {
    // One that was given up for another comes late, by the slower way; or a host floods.
    if (offer.gen <= this.#offered) return;
    const asleep = offer.standby === true;
    if (performance.now() - this.#begunAt < (asleep ? AHEAD_AGAIN_MS : AGAIN_MS)) return;
    this.#offered = offer.gen;
    this.#connectMs = CONNECT_MAX_MS; // a host that makes another says so
    this.#begin(asleep).receive(offer);
    this.#answers = asleep;
  }

  /** Takes what is about this connection; false if it is about another. */
  receive(message: Description): boolean {
    const leg = this.#leg;
    if (!leg) return false;
    if (message.t === "sdp" && message.type === "rollback") {
      if (message.spare && leg.remoteFp === message.fp) this.drop(); // they have dropped theirs
      return false;
    }
    const mine =
      message.t === "sdp"
        ? leg.remoteFp === message.fp || (leg.remoteFp === null && leg.isAnsweredBy(message))
        : leg.theirGen === message.gen;
    if (mine) leg.receive(message);
    return mine;
  }

  /** It is being tried, by whichever side's doing. */
  get awake(): boolean {
    return this.#life !== null;
  }

  /**
   * What has come by it and is the other side's own, since frames of it have authenticated under the keys of the session.
   * That proves as much as the binding does, which takes two round trips more: it may be shown while nothing else comes.
   */
  get glimpse(): readonly RemoteTrack[] {
    return this.#life && this.#leg?.negotiation?.guard.proves ? this.#tracks : [];
  }

  /** Sends by it already, if it is connected: the other side needs a picture to begin with. */
  feed(tracks: LocalTracks): void {
    if (this.#leg?.negotiation?.connected) this.#leg.negotiation.setTracks(tracks);
  }

  /** Hands the connection over, with what it has brought; null if there is none that is bound. */
  take(): { leg: Leg; tracks: readonly RemoteTrack[] } | null {
    const [leg, tracks] = [this.#leg, this.#tracks];
    if (!leg?.bound) return null;
    this.#connectMs = CONNECT_MS;
    leg.clear();
    this.#leg = null;
    this.#tracks = [];
    this.#life?.close();
    this.#life = null;
    return { leg, tracks };
  }

  /** What was made ahead is out of date; what is being used is not. */
  refresh(): void {
    if (!this.#life) this.drop();
  }

  drop(): void {
    this.#life?.close();
    this.#leg?.close();
    this.#leg = this.#life = null;
    this.#show([]);
  }

  /** The first connection is made anew, perhaps with another page at its other end, which counts from 0. */
  reset(): void {
    this.drop();
    this.#offered = -1;
    this.#asked = 0;
  }

  /** The call is over. */
  close(): void {
    this.#unexpect();
    this.drop();
  }

  #show(tracks: readonly RemoteTrack[]): void {
    if (tracks.length === 0 && this.#tracks.length === 0) return;
    this.#tracks = tracks;
    this.emit("glimpse", undefined);
  }

  #takeExpected(asleep: boolean): Leg | null {
    if (asleep) return null;
    const leg = this.#expected;
    this.#expected = null;
    this.#unexpect();
    return leg;
  }

  #unexpect(): void {
    this.#expecting.close();
    this.#expecting = new Scope();
    this.#expected?.close();
    this.#expected = null;
  }

  /** It connects from here on, by whichever side's doing. */
  #live(): void {
    this.#life = new Scope();
    this.#life.timeout(() => this.#giveUp(), this.#connectMs + LIFE_MS);
    this.#leg?.wake();
  }

  /** The host believes that the guest's sleeps on, unless it is told. */
  #giveUp(): void {
    const { negotiation } = this.#leg ?? {};
    const fp = negotiation?.ownFp;
    if (this.#answers && negotiation && fp)
      this.emit("send", { t: "sdp", type: "rollback", gen: negotiation.gen, sdp: "", fp, spare: true });
    this.drop();
  }

  #begin(asleep: boolean): Leg {
    this.drop();
    this.#answers = false;
    this.#begunAt = performance.now();
    const leg = (this.#leg = this.#takeExpected(asleep) ?? this.#config.make(asleep));
    if (!asleep) this.#live();
    const mark = { spare: true, ...(asleep && { standby: true }) };
    leg.on("send", (m) => this.emit("send", m.t === "sdp" && m.type === "offer" ? { ...m, ...mark } : m));
    leg.on("track", (t) => this.#show([...this.#tracks, t]));
    leg.on("untrack", (track) => this.#show(this.#tracks.filter((t) => t.track !== track)));
    leg.on("connected", () => {
      if (!this.#life) this.#live(); // the other side has woken it
      this.emit("connected", undefined);
    });
    leg.on("up", () => this.emit("up", undefined));
    leg.on("message", (json) => this.emit("message", json));
    leg.on("violated", () => this.#giveUp());
    leg.on("frames", (f) => f === "failed" && this.#giveUp());
    leg.start((negotiation) => this.#config.configure(negotiation));
    return leg;
  }
}
