import type { HeldVideo, Tested, WantedSize } from "../protocol/sealed.gen.ts";
import { Emitter } from "./emitter.ts";
import { callId } from "./e2ee/derive.ts";
import type { Cues } from "./cues.ts";
import type { Transfers } from "./files/transfers.ts";
import { E2EEError } from "./e2ee/errors.ts";
import { Persist } from "./persist.ts";
import type { Finding } from "./quality/diagnose.ts";
import { CallState, initialView } from "./state.ts";
import type {
  CallError,
  CallEvents,
  CallOptions,
  CueSign,
  ChatMessage,
  EndInfo,
  FileItem,
  PathInfo,
  Phase,
  Rehearsed,
  RemoteParty,
  SecurityInfo,
  Verdict,
  Visitor,
  Words,
} from "./types.ts";

/** What the two roles do differently. */
export interface Role {
  start(): void;
  knock(name: string, note: string, tested: Tested | null): void;
  setPassword(password: string): Promise<void>;
  setName(name: string): void;
  admit(slot: number): void;
  hold(slot: number, message: string): void;
  refuse(slot: number, message: string): void;
  removeGuest(): void;
  allowMore(): void;
  setLocked(on: boolean): void;
  sendChat(text: string): void;
  readonly files: Transfers | null;
  readonly cues: Cues | null;
  verify(verdict: Verdict): void;
  hangup(): void;
  endForGood(): void;
  setRelayOnly(on: boolean): void;
  dataUseChanged(): void;
  close(): void;
}

/**
 * One call, seen from one of its two parties. Read the getters after each
 * `change`; methods that make no sense for the role or the phase do nothing.
 */
export class Call extends Emitter<CallEvents> {
  readonly role: "host" | "guest";
  /** This page was reloaded in a call: it gets its seat back without a lobby and without a knock. */
  readonly resuming: boolean;
  readonly #state: CallState;
  #role: Role | null = null;
  #loading: Promise<Role> | null = null;
  #closed = false;

  constructor(options: CallOptions) {
    super();
    this.role = options.link.host ? "host" : "guest";
    this.resuming = new Persist(options.store, callId(options.link)).loadSeat(Date.now()) !== null;
    this.#state = new CallState(options, (event, value) => this.emit(event, value), initialView(options, this.role));
  }

  get phase(): Phase {
    return this.#state.view.phase;
  }
  get error(): CallError | null {
    return this.#state.view.error;
  }
  /** Guest: passwords that may still be tried. Host: wrong guesses until the call locks itself. Null: no password. */
  get attemptsLeft(): number | null {
    return this.#state.view.attemptsLeft;
  }
  get visitors(): readonly Visitor[] {
    return this.#state.view.visitors;
  }
  get remote(): RemoteParty | null {
    return this.#state.view.remote;
  }
  get hostName(): string {
    return this.#state.view.hostName;
  }
  get title(): string {
    return this.#state.view.title;
  }
  get holdMessage(): string {
    return this.#state.view.holdMessage;
  }
  get words(): Words | null {
    return this.#state.view.words;
  }
  get verifiedMine(): Verdict | null {
    return this.#state.view.verifiedMine;
  }
  get verifiedTheirs(): Verdict | null {
    return this.#state.view.verifiedTheirs;
  }
  get path(): PathInfo | null {
    return this.#state.view.path;
  }
  /** When media first flowed, ms since the epoch. */
  get liveSince(): number | null {
    return this.#state.view.liveSince;
  }
  /** What troubles the call just now, and whose trouble it is. */
  get weak(): Finding | null {
    return this.#state.view.weak;
  }
  /** The server has lost the other party. Media may go on. */
  get peerAway(): boolean {
    return this.#state.view.peerAway;
  }
  /** The path that is open while somebody waits for admission. */
  get rehearsed(): Rehearsed | null {
    return this.#state.view.rehearsed;
  }
  get limitMs(): number | null {
    return this.#state.view.limitMs;
  }
  /** When the limit will end this call, ms since the epoch; null if it has none or has not begun. */
  get endsAt(): number | null {
    return this.#state.view.endsAt;
  }
  get chat(): readonly ChatMessage[] {
    return this.#state.view.chat;
  }
  /** Files of both, oldest first. */
  get files(): readonly FileItem[] {
    return this.#state.view.files;
  }
  /** What the other party shows as a listener just now. */
  get cues(): readonly CueSign[] {
    return this.#state.view.cues;
  }
  /** This person's hand is raised. */
  get handUp(): boolean {
    return this.#state.view.handUp;
  }
  /** Host: the server refuses new guests, by setLocked(true) or after five wrong passwords. */
  get locked(): boolean {
    return this.#state.view.locked;
  }
  /** Host: locked by wrong passwords; allowMore() gives five more guesses. */
  get unlockable(): boolean {
    return this.role === "host" && this.#state.view.locked && this.#state.view.attemptsLeft === 0;
  }
  get end(): EndInfo | null {
    return this.#state.view.end;
  }
  get security(): SecurityInfo {
    return this.#state.view.security;
  }
  /** The browser refused to play sound without a tap: show "hear them". */
  get needsGesture(): boolean {
    return this.#state.view.needsGesture;
  }
  /** How much video this device sends and wants. */
  get dataUse(): WantedSize {
    return this.#state.view.dataUse;
  }
  /** Why this side's picture is not sent although its camera is on. */
  get held(): HeldVideo | null {
    return this.#state.view.held;
  }
  get relayOnly(): boolean {
    return this.#state.view.relayOnly;
  }
  /** Host: when the link stops working, ms since the epoch. */
  get expiresAt(): number | null {
    return this.#state.view.expiresAt;
  }

  /** Connects. Call it as soon as the page is open: everything slow happens in the lobby. */
  start(): void {
    if (this.#loading) return;
    this.#loading = this.#load();
    this.#loading.catch((error: unknown) => this.#cannot(error));
  }
  /** Guest: asks to be let in, now or as soon as the host can be asked. */
  knock(name: string, note: string, tested: Tested | null = null): void {
    void this.#loading?.then(
      (role) => role.knock(name, note, tested),
      () => undefined, // told by start()
    );
  }
  /** Guest: tries a password. Rejects with E_PASSWORD_FORM if it is empty or too long. */
  async setPassword(password: string): Promise<void> {
    await (await this.#loading)?.setPassword(password);
  }
  /** Host: the name that visitors are told. A guest's name goes with the knock. */
  setName(name: string): void {
    this.#role?.setName(name);
  }
  admit(slot: number): void {
    this.#role?.admit(slot);
  }
  hold(slot: number, message: string): void {
    this.#role?.hold(slot, message);
  }
  refuse(slot: number, message = ""): void {
    this.#role?.refuse(slot, message);
  }
  removeGuest(): void {
    this.#role?.removeGuest();
  }
  allowMore(): void {
    this.#role?.allowMore();
  }
  setLocked(on: boolean): void {
    this.#role?.setLocked(on);
  }
  sendChat(text: string): void {
    this.#role?.sendChat(text);
  }
  /** Shows a sign as a listener; a hand that is up is lowered. False if it cannot reach the other party now. */
  cue(sign: CueSign): boolean {
    return this.#role?.cues?.give(sign) ?? false;
  }
  /** Offers a file to the other party. */
  sendFile(file: File): void {
    this.#role?.files?.offer(file);
  }
  acceptFile(id: string): void {
    this.#role?.files?.accept(id);
  }
  /** Declines an offer, or cancels a file on its way. */
  stopFile(id: string): void {
    const item = this.files.find((file) => file.id === id);
    this.#role?.files?.stop(id, item && !item.mine && item.state === "offered" ? "declined" : "canceled");
  }
  /** Says what the person found on comparing the words. "differ" ends the call for both. */
  verify(verdict: Verdict): void {
    this.#role?.verify(verdict);
  }
  /** The view reports whether play() was refused (true) or has worked since (false). */
  reportAutoplay(blocked: boolean): void {
    if (blocked !== this.needsGesture) this.#state.set({ needsGesture: blocked });
  }
  /** Leaves. A host's link stays good for another call, unless it was for one call only. */
  hangup(): void {
    this.#role?.hangup();
  }
  /** Host: hangs up and makes the link useless for ever. */
  endForGood(): void {
    this.#role?.endForGood();
  }
  setRelayOnly(on: boolean): void {
    this.#role?.setRelayOnly(on);
  }
  setDataUse(use: WantedSize): void {
    if (use === this.dataUse) return;
    this.#state.set({ dataUse: use });
    this.#role?.dataUseChanged();
  }
  /** Lets go of socket, media connection and timers without a word to the other party: for a page that goes away. */
  close(): void {
    this.#closed = true;
    this.#role?.close();
  }

  /** The link demands what this browser cannot do. Anything else is a fault, and reported as one. */
  #cannot(error: unknown): void {
    if (!(error instanceof E2EEError)) return reportError(error);
    const { code } = error;
    this.#state.set({ error: { code, fatal: true } });
    const nothing = {
      message: "",
      durationMs: 0,
      verified: false,
      setupMs: null,
      path: null,
      peerName: "",
      linkOver: false,
      receipt: null,
    };
    this.#state.finish({ reason: "error", code, ...nothing });
  }

  /** The handshake's cryptography is the largest part of the client: it is fetched after first paint. */
  async #load(): Promise<Role> {
    const role = await (this.role === "host" ? hostRole(this.#state) : guestRole(this.#state));
    if (this.#closed) return role;
    this.#role = role;
    role.start();
    return role;
  }
}

async function hostRole(state: CallState): Promise<Role> {
  const { HostRole } = await import("./host.ts");
  return new HostRole(state);
}

async function guestRole(state: CallState): Promise<Role> {
  const { GuestRole } = await import("./guest.ts");
  return new GuestRole(state);
}
