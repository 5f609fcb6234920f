import type { Server } from "../protocol/messages.gen.ts";
import type { Bye, ByeReason, Rehearse } from "../protocol/sealed.gen.ts";
import { ChatLog } from "./chatlog.ts";
import { Cues } from "./cues.ts";
import type { DataKeys } from "./datakeys.ts";
import type { SealedJSON } from "./e2ee/effects.ts";
import type { Code } from "./e2ee/errors.ts";
import type { Session } from "./e2ee/session.ts";
import { Emitter } from "./emitter.ts";
import { Transfers } from "./files/transfers.ts";
import { Monitor } from "./monitor.ts";
import type { Over } from "./parting.ts";
import { ownState } from "./ownstate.ts";
import { Presence } from "./presence.ts";
import { Watch } from "./quality/watch.ts";
import { Pulse } from "./pulse.ts";
import { Recovery } from "./recovery.ts";
import { rehearsedMessage } from "./rehearsal.ts";
import { Remote } from "./remote.ts";
import { onNetworkChange } from "./network.ts";
import { Scope } from "./scope.ts";
import type { FrameLayer } from "./sframe/layer.ts";
import { FrameSecurity } from "./sframe/security.ts";
import { decodeSealed, type SealedMessage } from "./sealed.ts";
import type { CallState } from "./state.ts";
import { Steward } from "./weather/steward.ts";
import { Transport, type Prepared } from "./transport.ts";
import type { Verdict } from "./types.ts";

const FAREWELL_MS = 250;
/** Silence that lasts this much longer than it takes to act on it is worth a word: 1.1 s in all. */
const LABEL_MS = 300;

interface ConversationEvents {
  over: Over;
  /** Media flows and is proven, for the first time or again. */
  flowing: undefined;
  /** Media frames come, or have to be sent, under keys that are not there: a re-key brings them. */
  needsKeys: undefined;
  /** Nothing comes any more: whoever can help with another path should. */
  silent: undefined;
  /** And that for so long that this person is told; `left`: the other side has closed the connection. */
  lost: { left: boolean };
  /** A line was written or has arrived, here or there. */
  said: undefined;
}

export interface ConversationConfig {
  readonly role: "host" | "guest";
  readonly state: CallState;
  readonly keys: DataKeys;
  readonly peerName: string;
  /** Made before admission, if there was time. */
  readonly prepared: Prepared | null;
  readonly servers: readonly Server[];
  /** Gives its first keys to `frames`; later ones come by {@link Conversation.epoch}. */
  readonly session: Session;
  readonly frames: FrameLayer | null;
  /** Seals a message and sends it through the server. */
  send(json: SealedJSON): void;
}

/**
 * Two admitted people: their media connection, what they say beside it, and its end. It outlives sockets and peer
 * connections; {@link resumed} gives it the keys of a new handshake.
 */
export class Conversation extends Emitter<ConversationEvents> {
  readonly #config: ConversationConfig;
  readonly #state: CallState;
  readonly #scope = new Scope();
  readonly #recovery: Recovery;
  readonly #chat: ChatLog;
  readonly #remote: Remote;
  readonly files: Transfers;
  readonly cues: Cues;
  readonly #transport: Transport;
  readonly #presence = new Presence();
  readonly #watch: Watch;
  readonly #pulse: Pulse;
  #sent = ""; // the last state that was told, as JSON
  readonly #frames: FrameSecurity;
  readonly #steward: Steward;

  constructor(config: ConversationConfig) {
    super();
    this.#config = config;
    this.#state = config.state;
    const { role, keys, servers, session, frames } = config;
    const { media, screen, origin } = config.state.options;
    const { relayOnly } = config.state.view;
    frames?.use(session);
    this.#transport = new Transport({ role, keys, servers, media, screen, frames, relayOnly, origin });
    this.#frames = this.#watchFrames();
    this.#remote = new Remote(config.state, config.peerName);
    this.#chat = new ChatLog(config.state, (m) => this.#transport.send({ ...m }));
    this.files = new Transfers({
      state: config.state,
      send: (m) => this.#transport.send({ ...m }),
      channel: () => this.#transport.files,
    });
    const negotiation = () => this.#transport.negotiation;
    const giveUp = () => this.#end("error", true, "E_TIMEOUT");
    this.cues = new Cues(config.state, (m) => !this.#pulse.silent && this.#transport.sendNow({ ...m }));
    this.#recovery = new Recovery(role, negotiation, giveUp, () => this.#transport.rescue());
    const monitor = new Monitor(config.state, negotiation);
    this.#scope.add(() => monitor.close());
    this.#pulse = this.#feel();
    this.#scope.add(() => this.#pulse.close());
    onNetworkChange(this.#scope, () => this.suspect());
    this.#watch = new Watch({
      state: config.state,
      negotiation,
      hidden: () => this.#presence.hidden,
      throttled: () => this.#presence.throttled,
      send: (report) => !this.#pulse.silent && this.#transport.sendNow({ ...report }),
    });
    this.#steward = new Steward(role, negotiation, config.state.view.dataUse);
    this.#scope.add(() => this.#steward.close());
    this.#steward.on("held", () => this.#mediaChanged());
    this.#scope.add(media.on("change", () => this.#mediaChanged()));
    this.#scope.add(this.#presence.on("change", () => this.#mediaChanged()));
    if (screen) this.#scope.add(screen.on("change", () => this.#mediaChanged()));
    this.#listen(this.#transport);
  }

  /** Host: offers media. Guest: gets ready for the offer. */
  begin(): void {
    this.#transport.open(this.#config.prepared);
    this.#recovery.connect();
  }

  /** Guest after a reload: asks the host for a fresh offer. */
  askForOffer(): void {
    this.#transport.askForOffer();
  }

  /** A new handshake with the same person, over a new socket. Media that still flows is left alone. */
  resumed(): void {
    this.#transport.resumed();
    if (this.#pulse.silent) this.#transport.expect();
    this.#recovery.hurry();
  }

  /** The network has changed, or the server cannot be reached any more. */
  suspect(): void {
    this.#pulse.suspect();
    this.#recovery.hurry();
  }

  /**
   * The session has a successor: its media keys open what comes from now on, and seal what leaves if `sending`. What was
   * said last under the old keys may be lost, so it is said again.
   */
  epoch(session: Session, sending: boolean): void {
    this.#config.frames?.use(session, sending);
    if (sending) this.#chat.resend();
  }

  /** Says something about the keys over the data channel; false if that is not there or not up just now. */
  tell(json: SealedJSON): boolean {
    return this.#transport.sendNow(json);
  }

  receive(json: unknown): void {
    const message = decodeSealed(json);
    if (message && !this.#scope.closed) this.#dispatch(message);
  }

  /** Other servers, other credentials, or another policy. */
  configure(servers: readonly Server[]): void {
    this.#transport.configure(servers, this.#state.view.relayOnly);
  }

  /** This person has chosen to send and receive more or less video. */
  dataUseChanged(): void {
    const { dataUse } = this.#state.view;
    this.#steward.setMine(dataUse);
    this.#say({ t: "want", video: dataUse });
  }

  sendChat(text: string): void {
    this.#chat.write(text);
    this.emit("said", undefined);
  }

  verify(verdict: Verdict): void {
    this.#state.set({ verifiedMine: verdict });
    this.#say({ t: "verify", r: verdict });
    if (verdict === "differ") this.leave("differ");
  }

  /** Says goodbye, by both ways since either may be cut, and ends. */
  leave(reason: ByeReason): void {
    this.#end(reason, true, null);
  }

  close(): void {
    if (this.#scope.closed) return;
    this.#scope.close();
    this.files.close();
    this.cues.close();
    this.#recovery.end();
    this.#watch.close();
    this.#presence.close();
    this.#state.set({ receipt: this.#watch.receipt(), peerAway: false });
    this.#frames.close();
    this.#transport.close();
  }

  #listen(transport: Transport): void {
    transport.on("send", (m) => this.#config.send({ ...m }));
    transport.on("track", (t) => this.#tracked(() => this.#remote.track(t)));
    transport.on("untrack", (t) => this.#tracked(() => this.#remote.untrack(t)));
    transport.on("frames", (f) => (f === "failed" ? this.#frames.fail() : this.#frames.askKeys()));
    transport.on("message", (json) => this.receive(json));
    transport.on("chunk", (chunk) => this.files.take(chunk));
    transport.on("bound", ({ certificateChecked }) => this.#bound(certificateChecked));
    transport.on("negotiated", () => {
      this.#steward.apply();
      this.#state.tell();
    });
    transport.on("flowing", () => this.#flowing());
    transport.on("lost", ({ left }) => this.#lost(left));
    transport.on("violated", (code) => this.#end("error", true, code));
    transport.on("offered", ({ restart }) => {
      this.#recovery.theirs();
      if (restart) transport.rescue(); // they hear nothing
    });
    transport.on("spare", () => this.#pulse.silent && transport.switchOver());
    transport.on("glimpse", () => this.#glimpse());
    transport.on("replaced", ({ second }) => {
      this.#frames.renew();
      this.#watch.renew();
      this.#pulse.renew(second !== null);
      if (second) this.#remote.replace(second);
      else this.#remote.unbind();
      this.files.disconnected();
      this.cues.renew();
      this.#recovery.end();
      if (this.#state.move("media-lost")) this.#recovery.connect(); // there is nothing to restart yet
    });
  }

  #dispatch(message: SealedMessage): void {
    switch (message.t) {
      case "sdp":
      case "ice":
      case "ice-end":
        return this.#transport.receive(message);
      case "rehearse":
        return this.#rehearsed(message);
      case "beat":
        return this.#pulse.promised(message.ms);
      case "state":
        this.#frames.theySay(message.sframe);
        return this.#remote.says(message);
      case "want":
        return this.#steward.setTheirs(message.video);
      case "chat":
      case "chat-ack":
        this.#chat.receive(message);
        return this.emit("said", undefined);
      case "cue":
        return this.cues.receive(message);
      case "report":
        return this.#watch.receive(message);
      case "file":
      case "file-get":
      case "file-end":
      case "file-stop":
        return this.files.receive(message);
      case "verify":
        return this.#peerVerified(message.r);
      case "bye":
        if (message.last) this.#watch.receive(message.last);
        return this.#end(message.reason, false, null);
    }
  }

  /** It was on its way when the guest was admitted. */
  #rehearsed(message: Rehearse): void {
    const inner = rehearsedMessage(message);
    if (inner) this.#transport.receive(inner);
  }

  #peerVerified(verdict: Verdict): void {
    const news = this.#state.view.verifiedTheirs !== verdict;
    this.#state.set({ verifiedTheirs: verdict });
    if (verdict === "differ") this.#end("differ", false, null);
    else if (news) this.#state.notice({ kind: "peer-verified" });
  }

  #bound(certificateChecked: boolean): void {
    this.#remote.bind();
    this.#frames.update();
    this.#state.set({ security: { ...this.#state.view.security, bound: true, certificateChecked } });
    this.#sent = "";
    this.#mediaChanged();
    this.#say({ t: "want", video: this.#state.view.dataUse });
    this.#chat.resend();
    this.files.disconnected(); // of the connection before
    this.files.connected();
    const { verifiedMine } = this.#state.view;
    if (verifiedMine) this.#say({ t: "verify", r: verifiedMine }); // they may have reloaded
  }

  #feel(): Pulse {
    return new Pulse({
      look: () => this.#transport.traffic(),
      beat: (ms) => this.#transport.beat(ms),
      sending: () => {
        const { remote } = this.#state.view;
        return remote !== null && (remote.mic || remote.cam || remote.screen);
      },
      throttled: () => this.#presence.throttled,
      silent: () => this.#silent(),
      heard: () => {
        this.#glimpse();
        this.#transport.checkFlow();
      },
    });
  }

  #glimpse(): void {
    this.#remote.glimpse(this.#pulse.silent ? this.#transport.glimpse : []);
  }

  /** Acts at once, and says so a little later: most silences are over by then. */
  #silent(): void {
    if (this.#state.view.phase !== "live") return;
    this.#recovery.begin();
    this.#transport.wake();
    this.#transport.switchOver(); // if they were the first to notice
    this.#glimpse();
    this.emit("silent", undefined);
    this.#scope.timeout(() => this.#pulse.silent && this.#lost(), LABEL_MS);
  }

  #lost(left = false): void {
    if (this.#state.move("media-lost")) this.#recovery.begin();
    else if (!left) return;
    this.emit("lost", { left });
  }

  #flowing(): void {
    if (this.#pulse.silent) return; // what the browser says comes late
    this.#recovery.end();
    this.cues.again();
    this.#state.move("bound", { liveSince: this.#state.view.liveSince ?? Date.now() });
    this.#state.tell();
    this.emit("flowing", undefined);
  }

  #watchFrames(): FrameSecurity {
    return new FrameSecurity({
      state: this.#state,
      layer: this.#config.frames,
      required: this.#config.session.policy.sframe === 2,
      guard: () => this.#transport.negotiation?.guard ?? null,
      changed: () => this.#mediaChanged(),
      needsKeys: () => this.emit("needsKeys", undefined),
      end: () => this.#end("error", true, "E_SFRAME"),
    });
  }

  #tracked(change: () => void): void {
    change();
    this.#frames.update();
    this.#mediaChanged();
  }

  #mediaChanged(): void {
    const { media, screen } = this.#state.options;
    this.#transport.syncTracks();
    this.#steward.setMusic(media.music);
    const { held } = this.#steward;
    if (held !== this.#state.view.held) this.#state.set({ held });
    const now = ownState({ media, screen, held, hidden: this.#presence.hidden, sframe: this.#frames.says });
    const text = JSON.stringify(now);
    if (this.#sent !== text && this.#transport.send({ ...now })) this.#sent = text;
  }

  #say(message: SealedJSON): void {
    if (!this.#transport.send(message)) this.#config.send(message);
  }

  #end(reason: ByeReason, mine: boolean, code: Code | null): void {
    if (this.#scope.closed) return;
    const last = this.#watch.last();
    const bye: Bye = { t: "bye", reason, ...(last && { last }) };
    // By both ways, since either may be cut. The channel drops what it has not
    // sent when it closes: so that is done a moment later.
    const queued = mine && this.#transport.send({ ...bye });
    if (mine) this.#config.send({ ...bye });
    if (queued) this.#transport.close(FAREWELL_MS);
    this.close();
    this.emit("over", { reason, mine, code });
  }
}
