import type { ServerMessage } from "../protocol/decode.ts";
import type { Joined } from "../protocol/messages.gen.ts";
import { returnDelay, retryDelay } from "./backoff.ts";
import { fromBase64Url, toBase64Url } from "./e2ee/encode.ts";
import type { Code } from "./e2ee/errors.ts";
import { secureRandom } from "./e2ee/link.ts";
import { Emitter } from "./emitter.ts";
import { onNetworkChange } from "./network.ts";
import { Scope } from "./scope.ts";
import { Ration } from "./servers.ts";
import { Signaling, type ClientMessage, type Closed } from "./signaling.ts";
import { Spare } from "./spare.ts";

const CID_BYTES = 16;
/** How long the server may take for its next word: welcome, joined, and to a guest whether the host is there. */
const ANSWER_MS = 10_000;
/** A server that has not answered for this long while the other party is silent, too, is taken for lost. */
const SIGN_MS = 600;
/** Sooner, if it has greeted a second connection meanwhile: that takes several round trips, and an answer one. */
const GREETED_MS = 300;
/** How long what is known of the network is in doubt after a sign that it is another: then a greeting is enough. */
const MOVED_MS = 5_000;
/** A second connection is opened at most so often, since a server counts them: after such a sign, and for silence alone. */
const SPARE_MS = { moved: 3_000, silent: 10_000 };
const REACHABLE_AFTER_MS = 4_000; // shorter outages are not worth a word to the person

interface LineEvents {
  /** A new connection holds our seat. */
  joined: { cid: Uint8Array; joined: Joined; stun: readonly string[] };
  message: ServerMessage;
  frame: { slot: number; frame: Uint8Array };
  /** The connection is gone; another is being tried. */
  down: undefined;
  /** It has been gone for a while. */
  unreachable: undefined;
  /** The server refused us for good. */
  final: Code;
}

export interface LineConfig {
  readonly callId: Uint8Array;
  /** Host only: what registers the call and proves that it is ours. */
  readonly host?: {
    readonly serverPub: Uint8Array;
    readonly ttlMs: number;
    sign(nonce: Uint8Array, cid: Uint8Array): Uint8Array;
  };
  /** Whether a refusal that is final by itself is worth another try. */
  retry?(code: Code): boolean;
}

/**
 * The way to the server, kept open: one {@link Signaling} after the other, with
 * back-off between them, until it is closed or refused for good. Each connection
 * joins with a fresh connection id.
 */
export class Line extends Emitter<LineEvents> {
  readonly #config: LineConfig;
  readonly #scope = new Scope();
  #socket: Signaling | null = null;
  #attempt = 0;
  #up = false;
  #registered = false;
  readonly #ration = new Ration();
  #stage: "new" | "greeted" | "seated" = "new"; // of this connection; whatever the server says twice
  #cancelRetry: (() => void) | null = null;
  #cancelAlarm: (() => void) | null = null;
  #cancelAnswer: (() => void) | null = null;
  #cancelCheck: (() => void) | null = null;
  #openedAt = 0;
  #checkedAt = 0;
  #movedAt = -Infinity;
  #spare: Spare | null = null; // until the first says something, or takes its place
  #sparedAt = -Infinity;
  #seat: string | null = null; // guest: what the server takes us back with, once; in memory only
  #cid: Uint8Array = new Uint8Array(0);
  #stun: readonly string[] = [];

  constructor(config: LineConfig) {
    super();
    this.#config = config;
  }

  get up(): boolean {
    return this.#up;
  }

  start(): void {
    if (typeof addEventListener === "function") onNetworkChange(this.#scope, () => this.#moved());
    this.#armAlarm();
    this.#open();
  }

  send(message: ClientMessage): void {
    this.#socket?.send(message);
  }

  sendFrame(slot: number, frame: Uint8Array): void {
    this.#socket?.sendFrame(slot, frame);
  }

  retryNow(): void {
    if (!this.#cancelRetry) return;
    this.#cancelRetry();
    this.#open();
  }

  /**
   * Asks the server for a sign of life, which fresh relay credentials are, or the refusal of them. If none comes, another
   * connection takes over: a browser does not notice for minutes that the way to a server is gone. That one is opened
   * at once and costs nothing if it was not needed, since it has not joined.
   */
  check(): void {
    if (this.#cancelRetry) return this.retryNow();
    if (this.#cancelCheck || this.#scope.closed) return;
    // One that is being opened has had its time, or gets it.
    const now = performance.now();
    this.#checkedAt = now;
    const wait = this.#up ? SIGN_MS : Math.max(0, this.#openedAt + SIGN_MS - now);
    this.#cancelCheck = this.#scope.timeout(() => this.#replace(), wait);
    if (!this.#up) return;
    this.send({ type: "renew" });
    if (now - this.#sparedAt < (this.#inDoubt ? SPARE_MS.moved : SPARE_MS.silent)) return;
    this.#sparedAt = now;
    this.#spare = new Spare(() => this.#greeted());
  }

  close(): void {
    this.#scope.close();
    this.#spare?.close();
    this.#socket?.close();
    this.#socket = null;
    this.#up = false;
  }

  get #inDoubt(): boolean {
    return performance.now() - this.#movedAt < MOVED_MS;
  }

  /** The network may be another. Back on one: do not sit out the rest of a wait. */
  #moved(): void {
    if (!navigator.onLine) return;
    this.#movedAt = performance.now();
    if (this.#spare?.greeted) this.#greeted();
    else this.check();
  }

  /** The server has greeted the second connection, and the first has not answered. */
  #greeted(): void {
    this.#cancelCheck?.();
    const early = this.#inDoubt ? 0 : GREETED_MS;
    const wait = Math.max(0, this.#checkedAt + early - performance.now());
    this.#cancelCheck = this.#scope.timeout(() => this.#replace(), wait);
  }

  /**
   * Takes the second connection for the first if it has been greeted, or opens another: the second may have been opened
   * too early for the new network, or that may be slow, so the two then race.
   */
  #replace(): void {
    this.#cancelCheck?.();
    this.#cancelCheck = null;
    const next = this.#spare?.take();
    if (next) this.#spare = null;
    this.#socket?.close();
    const wasUp = this.#up;
    this.#up = false;
    this.#open(next?.socket);
    if (wasUp) this.#wentDown();
    if (next?.welcome) this.#receive(next.welcome);
  }

  #lives(): void {
    this.#cancelCheck?.();
    this.#cancelCheck = null;
    this.#spare?.close();
    this.#spare = null;
  }

  #wentDown(): void {
    this.#armAlarm();
    this.emit("down", undefined);
  }

  #open(socket = new Signaling()): void {
    this.#cancelRetry = null;
    this.#stage = "new";
    this.#openedAt = performance.now();
    this.#socket = socket;
    socket.on("message", (m) => this.#receive(m));
    socket.on("frame", (f) => {
      this.#lives();
      this.emit("frame", f);
    });
    socket.on("closed", (c) => this.#closed(c));
    this.#expectAnswer();
  }

  /** A server that accepts a connection and then says nothing is away like any other. */
  #expectAnswer(): void {
    this.#cancelAnswer?.();
    this.#cancelAnswer = this.#scope.timeout(() => {
      this.#socket?.close();
      this.#closed({ final: false, code: null, retryMs: null });
    }, ANSWER_MS);
  }

  #answered(): void {
    this.#cancelAnswer?.();
    this.#cancelAlarm?.();
    this.#cancelAlarm = null;
  }

  #receive(message: ServerMessage): void {
    this.#lives();
    if (message.type === "welcome") {
      if (this.#stage !== "new") return; // once: the id we joined under has a counter
      this.#stage = "greeted";
      this.#expectAnswer();
      this.#join(message.nonce);
      this.#stun = message.stun;
      return;
    }
    if (message.type === "joined") {
      if (this.#stage !== "greeted") return;
      this.#stage = "seated";
      this.#seat = message.seat ?? null;
      this.#attempt = 0;
      this.#registered = true;
      this.#up = true;
      if (this.#config.host) this.#answered();
      else this.#expectAnswer();
      this.emit("joined", { cid: this.#cid, joined: message, stun: this.#stun });
      return;
    }
    if (message.type === "host") this.#answered();
    if (message.type === "ice" && !this.#ration.take(Date.now())) return;
    this.emit("message", message);
  }

  #join(nonce: string): void {
    const call = toBase64Url(this.#config.callId);
    this.#cid = secureRandom(CID_BYTES);
    const cid = toBase64Url(this.#cid);
    const host = this.#config.host;
    if (!host) {
      this.send({ type: "join", role: "guest", call, cid, ...(this.#seat && { seat: this.#seat }) });
      return;
    }
    // Registering is idempotent for the key that owns the call; the two
    // messages go out together to save a round trip.
    if (!this.#registered)
      this.send({ type: "create", call, srv_pub: toBase64Url(host.serverPub), ttl_ms: host.ttlMs });
    const sig = toBase64Url(host.sign(fromBase64Url(nonce), this.#cid));
    this.send({ type: "join", role: "host", call, cid, sig });
  }

  #closed(closed: Closed): void {
    if (this.#spare?.greeted && !closed.final && closed.retryMs === null) return this.#replace();
    this.#lives();
    this.#socket = null;
    this.#cancelAnswer?.();
    const wasUp = this.#up;
    this.#up = false;
    if (closed.final && !(closed.code && this.#config.retry?.(closed.code))) {
      this.#scope.close();
      this.emit("final", closed.code ?? "E_INTERNAL");
      return;
    }
    const wait = closed.retryMs === null ? retryDelay(this.#attempt) : returnDelay(closed.retryMs);
    this.#attempt++;
    this.#cancelRetry = this.#scope.timeout(() => this.#open(), wait);
    if (wasUp) this.#wentDown();
  }

  #armAlarm(): void {
    this.#cancelAlarm ??= this.#scope.timeout(() => this.emit("unreachable", undefined), REACHABLE_AFTER_MS);
  }
}
