import { CredentialTTLMS, type Server } from "../protocol/messages.gen.ts";
import type { Rehearse, Tested } from "../protocol/sealed.gen.ts";
import { Conversation } from "./conversation.ts";
import type { Cues } from "./cues.ts";
import { deriveLink } from "./e2ee/derive.ts";
import type { DataKeys } from "./datakeys.ts";
import { Dismissal } from "./dismissal.ts";
import type { Effect, SealedJSON } from "./e2ee/effects.ts";
import type { Code } from "./e2ee/errors.ts";
import { FlagRelayOnly } from "./e2ee/link.ts";
import type { ResumeState } from "./e2ee/resume.ts";
import type { Session } from "./e2ee/session.ts";
import type { Transfers } from "./files/transfers.ts";
import type { Line } from "./line.ts";
import { Negotiation } from "./negotiation.ts";
import { endAfter, outlives, type LastWord, type Over } from "./parting.ts";
import { keptChat, Persist, type Seat } from "./persist.ts";
import { Rehearsal } from "./rehearsal.ts";
import { Scope } from "./scope.ts";
import { ownServers } from "./servers.ts";
import { canEncryptFrames, FrameLayer } from "./sframe/layer.ts";
import type { CallState } from "./state.ts";
import type { Prepared } from "./transport.ts";
import type { EndReason, PathInfo, Verdict } from "./types.ts";
import { onWake } from "./wake.ts";

/** Renew relay credentials well before they end; by our own clock, which may differ from the server's. */
const RENEW_MS = CredentialTTLMS * 0.8;

/** Nobody notices that a page changes this much later than the click. */
const HOLD_MS = 120;

/** What host and guest have in common: the prepared connection, the conversation, the seat kept over a reload. */
export abstract class Party {
  protected readonly state: CallState;
  protected readonly persist: Persist;
  protected readonly scope = new Scope();
  protected abstract readonly role: "host" | "guest";
  protected abstract readonly line: Line;
  protected conversation: Conversation | null = null;
  protected password: Uint8Array | null;
  /** The seat that was found when the page opened. */
  protected readonly found: Seat | null;
  readonly #frames = canEncryptFrames() ? new FrameLayer() : null;
  #servers: readonly Server[] = [];
  #prepared: Prepared | null = null;
  #rehearsal: Rehearsal | null = null;
  #resume: readonly ResumeState[] = [];
  #peerName = "";
  #admittedAt: number | null = null;
  #setupMs: number | null = null;
  #cancelRenew: (() => void) | null = null;
  #cancelLimit: (() => void) | null = null;
  #cancelWake: (() => void) | null = null;
  #dismissal: Dismissal | null = null; // the server's last word; the call goes on without it
  #talkedMs = 0; // with guests who have left
  #lastPath: PathInfo | null = null;
  #lastVerified = false;
  /** Nobody can use the link any more. */
  protected spent = false;

  constructor(state: CallState) {
    this.state = state;
    const { options } = state;
    this.persist = new Persist(options.store, deriveLink(options.link).callId);
    this.found = this.persist.loadSeat(Date.now());
    this.password = options.stretchedPassword ?? this.found?.password ?? null;
    const relayOnly = options.relayOnly || (options.link.flags & FlagRelayOnly) !== 0;
    const security = { ...state.view.security, password: options.link.hasPassword, relayOnly };
    state.set({ relayOnly, security });
  }

  // What only one of the two roles can do.
  knock(_name: string, _note: string, _tested: Tested | null): void {}
  setPassword(_password: string): Promise<void> {
    return Promise.resolve();
  }
  admit(_slot: number): void {}
  hold(_slot: number, _message: string): void {}
  refuse(_slot: number, _message: string): void {}
  removeGuest(): void {}
  allowMore(): void {}
  setLocked(_on: boolean): void {}
  endForGood(): void {}

  protected get callId(): Uint8Array {
    return deriveLink(this.state.options.link).callId;
  }

  get files(): Transfers | null {
    return this.conversation?.files ?? null;
  }

  get cues(): Cues | null {
    return this.conversation?.cues ?? null;
  }

  sendChat(text: string): void {
    this.conversation?.sendChat(text);
  }

  verify(verdict: Verdict): void {
    this.conversation?.verify(verdict);
  }

  setRelayOnly(on: boolean): void {
    const relayOnly = on || (this.state.options.link.flags & FlagRelayOnly) !== 0;
    if (relayOnly === this.state.view.relayOnly) return;
    this.state.set({ relayOnly, security: { ...this.state.view.security, relayOnly } });
    this.conversation?.configure(this.#servers);
    if (!this.conversation) this.prepare(this.#servers);
  }

  dataUseChanged(): void {
    this.conversation?.dataUseChanged();
  }

  close(): void {
    this.scope.close();
    this.conversation?.close();
    this.#drop();
    this.#frames?.close();
    this.line.close();
  }

  /** The keys of the party in the conversation. */
  protected abstract readonly keys: DataKeys;
  /** Renews them, unless that is under way. */
  protected abstract renewKeys(): void;
  /** Sends a sealed message to the other party of the conversation, through the server. */
  protected abstract whisper(json: { t: string }): void;
  /** The connection to the server is gone. */
  protected abstract down(): void;
  protected abstract onOver(over: Over): void;
  protected abstract handle(effect: Effect): void;

  /** Makes the next connection ready, before anybody is admitted. */
  protected prepare(servers: readonly Server[]): void {
    this.#servers = servers = ownServers(servers, this.state.options.origin);
    this.#drop();
    if (this.scope.closed) return;
    const { media, origin } = this.state.options;
    const { relayOnly } = this.state.view;
    const ready = Negotiation.create({
      role: this.role,
      gen: 0,
      servers,
      relayOnly,
      origin,
      tracks: media.tracks,
      frames: this.#frames,
    });
    const prepared: Prepared = (this.#prepared = { ready });
    void ready.then((negotiation) => (prepared.made = negotiation));
  }

  /** New servers or credentials for the connection that runs, or for the one that waits. */
  protected useServers(servers: readonly Server[]): void {
    this.#servers = servers = ownServers(servers, this.state.options.origin);
    this.#cancelRenew?.();
    this.#cancelRenew = this.scope.timeout(() => this.line.send({ type: "renew" }), RENEW_MS);
    if (this.conversation) this.conversation.configure(servers);
    else if (this.role === "host" && !this.#rehearsal) this.prepare(servers);
    else void this.#prepared?.ready.then((n) => n.configure(servers, this.state.view.relayOnly));
  }

  /**
   * Connects what lies ready with somebody who waits for admission, over the relay. What the other side says to it comes
   * by {@link rehearsed}.
   */
  protected rehearse(say: (message: Rehearse) => void): void {
    const { rehearse = true, dataUse } = this.state.options;
    if (!rehearse || !this.#prepared || this.#rehearsal || this.conversation) return;
    this.#rehearsal = new Rehearsal({
      role: this.role,
      prepared: this.#prepared,
      measure: dataUse === "full",
      say,
      changed: (rehearsed) => this.state.set({ rehearsed }),
    });
  }

  protected rehearsed(message: Rehearse): void {
    this.#rehearsal?.receive(message);
  }

  /** The other side has begun another. */
  protected rehearsesAnew(message: Rehearse): boolean {
    return this.#rehearsal?.isOther(message) ?? false;
  }

  /** With this person there will be no call, or not by this connection: another is made ready. */
  protected stopRehearsal(): void {
    if (this.#rehearsal && !this.conversation) this.prepare(this.#servers);
  }

  /** The connection for the call that begins. */
  #take(): Prepared | null {
    if (this.#rehearsal?.failed) this.prepare(this.#servers);
    const prepared = this.#prepared;
    this.#rehearsal?.close();
    this.#rehearsal = this.#prepared = null;
    return prepared;
  }

  protected converse(session: Session, peerName: string, limitMs: number | null): Conversation {
    const now = Date.now();
    const seat = session.resumed ? this.found : null;
    const prepared = this.#take();
    const { role, state } = this;
    this.#peerName = peerName;
    this.#admittedAt = now;
    const endsAt = seat ? seat.endsAt : limitMs === null ? null : now + limitMs;
    state.hold(HOLD_MS);
    state.move("admitted", {
      limitMs,
      endsAt,
      liveSince: seat?.liveSince ?? null,
      chat: seat?.chat ?? [],
      error: null,
    });
    const conversation = (this.conversation = new Conversation({
      role,
      state,
      keys: this.keys,
      peerName,
      prepared,
      servers: this.#servers,
      session,
      frames: this.#frames,
      send: (json) => this.whisper(json),
    }));
    conversation.on("over", (over) => this.#over(over));
    conversation.on("flowing", () => this.#flowing());
    this.#cancelWake = this.#watchSleep();
    conversation.on("needsKeys", () => this.requestRekey());
    conversation.on("said", () => this.saveSeat());
    conversation.on("silent", () => this.line.check());
    conversation.on("lost", ({ left }) => this.#dismissal?.lost(left));
    if (endsAt !== null)
      this.#cancelLimit = this.scope.timeout(() => this.conversation?.leave("limit"), Math.max(0, endsAt - now));
    this.saveSeat();
    return conversation;
  }

  /** Shows what the handshake has proven. */
  protected proven(session: Session): void {
    const { emoji, words: names, digits } = session.sas;
    const security = { ...this.state.view.security, handshake: true, resumed: session.resumed, epoch: session.epoch };
    const verifiedMine = session.verified ? "match" : null;
    this.state.set({ words: { emoji, names, digits }, security, verifiedMine });
  }

  /** The session has a successor. */
  protected epoch(session: Session, sending: boolean): void {
    if (sending && this.conversation) this.proven(session);
    this.conversation?.epoch(session, sending);
  }

  /** Says something about the keys by the way that works. */
  protected say(json: SealedJSON): void {
    if (!this.conversation?.tell(json)) this.whisper(json);
  }

  /**
   * New keys, as soon as both sides can: after a sleep, for another policy, or because the frames' counters are lost.
   * Nothing waits for them.
   */
  requestRekey(): void {
    if (this.conversation) this.renewKeys();
  }

  protected remember(resume: readonly ResumeState[]): void {
    this.#resume = resume;
    this.saveSeat();
  }

  protected saveSeat(): void {
    if (this.#resume.length === 0 || !this.conversation) return;
    const { title, liveSince, limitMs, endsAt, chat } = this.state.view;
    const { password } = this;
    this.persist.saveSeat({
      resume: this.#resume,
      password,
      peerName: this.#peerName,
      title,
      liveSince,
      limitMs,
      endsAt,
      chat: keptChat(chat),
    });
  }

  protected forgetSeat(): void {
    this.#resume = [];
    this.persist.saveSeat(null);
  }

  protected unreachable(): void {
    this.state.set({ error: { code: "offline", fatal: false } });
  }

  protected reachable(): void {
    if (this.state.view.error?.code === "offline") this.state.set({ error: null });
  }

  /**
   * The server wants no more of this call. Two people who see each other do not need it, and a lie must not part them: so
   * the call goes on if it can, until one of them leaves. There is no way back into it.
   */
  protected lastWord(word: LastWord): void {
    const { phase, path } = this.state.view;
    if (this.#dismissal) return;
    if (!this.conversation || !outlives(phase, path)) return this.finish(word.reason, word.code);
    const dismissal = (this.#dismissal = new Dismissal(word, ({ reason, code }) => this.finish(reason, code)));
    this.scope.add(() => dismissal.close());
    this.spent ||= word.reason === "expired";
    this.line.close();
    this.down();
    this.state.set({ error: { code: word.code ?? "E_GONE", fatal: false }, peerAway: false });
  }

  /** Host: there has been somebody in the call. */
  protected get met(): boolean {
    return this.#talkedMs > 0 || this.state.view.liveSince !== null;
  }

  /** Host: the guest has left, the call goes on. */
  protected pause(): void {
    this.#talkedMs += this.#liveMs();
    this.#lastPath = this.state.view.path ?? this.#lastPath;
    this.#lastVerified = this.#verified();
  }

  protected finish(reason: EndReason, code: Code | null = null, message = ""): void {
    const { remote, hostName } = this.state.view;
    const path = this.state.view.path ?? this.#lastPath;
    const peerName = remote?.name ?? (this.#peerName || (this.role === "guest" ? hostName : ""));
    const durationMs = this.#talkedMs + this.#liveMs();
    const verified = remote ? this.#verified() : this.#lastVerified;
    const linkOver = this.spent || reason === "expired";
    this.forgetSeat();
    if (code) this.state.set({ error: { code, fatal: true } });
    this.close();
    const { receipt } = this.state.view;
    const known = { durationMs, verified, setupMs: this.#setupMs, path, peerName, linkOver, receipt };
    this.state.finish({ reason, code, message, ...known });
  }

  #verified(): boolean {
    const { verifiedMine, verifiedTheirs } = this.state.view;
    return verifiedMine === "match" && verifiedTheirs === "match";
  }

  #liveMs(): number {
    const { liveSince } = this.state.view;
    return liveSince === null ? 0 : Date.now() - liveSince;
  }

  #over(over: Over): void {
    this.conversation = null;
    this.#cancelLimit?.();
    this.#cancelWake?.();
    if (!this.#dismissal) return this.onOver(over);
    const { reason, code } = endAfter(this.#dismissal.word, over);
    this.finish(reason, code);
  }

  #flowing(): void {
    this.#dismissal?.flowing();
    if (this.#admittedAt !== null) this.#setupMs ??= Date.now() - this.#admittedAt;
    this.saveSeat();
  }

  #watchSleep(): () => void {
    const scope = new Scope();
    onWake(scope, () => this.requestRekey());
    return this.scope.add(() => scope.close());
  }

  #drop(): void {
    if (this.role === "guest") this.#rehearsal?.drop();
    this.#rehearsal?.close();
    void this.#prepared?.ready.then((n) => n.close());
    this.#rehearsal = this.#prepared = null;
  }
}
