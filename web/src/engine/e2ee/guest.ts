import { LIMIT_GUESSES } from "./budget.ts";
import { Comeback } from "./comeback.ts";
import { decodeControl, FRAME_CONTROL } from "./control.ts";
import type { Effect, SealedJSON } from "./effects.ts";
import { equal } from "./encode.ts";
import { type Code, codeOf, E2EEError } from "./errors.ts";
import { FRAME_SIGNALING } from "./frames.ts";
import { noteMeans, type Phase, standing } from "./guestphase.ts";
import { GuestKeys } from "./guestkeys.ts";
import { GuestRun } from "./guestrun.ts";
import type { Keyring } from "./keyring.ts";
import { type Party, type PartyConfig, partyFrom } from "./party.ts";
import { Outbox } from "./outbox.ts";
import { OuterMemory, type OuterOpener } from "./outer.ts";
import { isRekey } from "./rekey.ts";
import type { ResumeState } from "./resume.ts";
import { checkSays, decodeMessage, encodeMessage, hears, parts, READY_MESSAGE } from "./sealed.ts";
import type { Session } from "./session.ts";

export interface GuestConfig extends PartyConfig {
  /** From before a reload of the page. */
  readonly resume?: ResumeState;
  /** How long one epoch's keys are used. */
  readonly rekeyMs?: number;
}

const KNOCK_MS = 10 * 60_000;
/** Handshakes that repair a broken session, per connection: a relay that damages every frame must not keep us busy. */
const LIMIT_RESTARTS = 3;

/**
 * The guest's machine: it starts the handshake when the host is there, and again after a lost connection or
 * a wrong password. No I/O, no clock: feed it events, then drain effects. `now` is ms since the epoch.
 */
export class Guest {
  readonly #needsPassword: boolean;
  readonly #outbox = new Outbox();
  readonly #heard = new OuterMemory();
  readonly #comeback: Comeback;
  readonly #keys: GuestKeys;
  #party: Party;
  #failures = 0;
  #restarts = 0;

  #phase: Phase = "idle";
  #cid: Uint8Array | null = null;
  #opener: OuterOpener | null = null; // lives as long as the host's connection
  #run: GuestRun | null = null;
  #up = false; // there is a session, and the connection it runs over
  #knockedUntil: number | null = null;

  /** E_POLICY if the link demands what our caps cannot do. */
  constructor(config: GuestConfig) {
    this.#party = partyFrom(config);
    this.#needsPassword = config.link.hasPassword;
    this.#comeback = new Comeback(this.#outbox, config.resume ?? null);
    this.#keys = new GuestKeys(this.#outbox, this.#comeback, () => this.#party, config.rekeyMs);
  }

  /** A new connection to the server joined under this id, fresh random bytes. */
  connected(cid: Uint8Array, now: number): void {
    this.#lose(now);
    this.#cid = cid;
    this.#restarts = 0;
    this.#outbox.connect(this.#party.keys, "guest", cid);
    this.#opener = null;
  }

  /** The host is there, under this connection id; the handshake starts. Called again after a failure, it tries again. */
  hostOnline(cid: Uint8Array, now: number): void {
    if (!this.#outbox.connected) return;
    if (this.#opener === null || !equal(this.#opener.cid, cid)) {
      this.#lose(now);
      this.#opener = this.#heard.of(this.#party.keys, "host", cid);
    }
    if (this.#phase === "idle" || this.#phase === "failed" || this.#phase === "needs-password") this.#start(now);
  }

  hostOffline(now: number): void {
    this.#lose(now);
  }

  disconnected(now: number): void {
    this.#lose(now);
    this.#opener = null;
    this.#outbox.disconnect();
  }

  /** Takes an outer frame, without the slot prefix. */
  receive(frame: Uint8Array, now: number): void {
    if (this.#opener === null || this.#phase === "failed" || this.#phase === "over") return;
    try {
      const inner = this.#opener.receive(frame);
      if (inner !== null) this.#inner(inner, now);
    } catch (e) {
      const code = codeOf(e);
      if (code === "E_SEQ") return this.#restart(code, now);
      if (code === "E_CONFIRM") this.#failures++;
      this.#giveUp(code);
    }
  }

  /** Seals one message to the host. E_STATE if a guest may not say that now, E_SIZE. */
  send(json: SealedJSON, now: number): void {
    const session = this.#keys.ring.current;
    if (!this.#up || session === null) throw new E2EEError("E_STATE");
    checkSays("guest", json.t, standing(this.#phase));
    this.#outbox.message(0, session, json);
    if (json.t === "knock" && this.#phase === "ready") {
      this.#phase = "knocked";
      this.#knockedUntil = now + KNOCK_MS;
    }
    this.#advance(json.t);
  }

  /** A (new) stretched password; starts the handshake if the host is there. */
  setPassword(stretched: Uint8Array, now: number): void {
    this.#party = { ...this.#party, password: stretched };
    if (this.#phase === "needs-password" && this.#opener !== null) this.#start(now);
  }

  /** Seals one message for the data channel. E_STATE before the handshake. */
  sealData(json: SealedJSON): Uint8Array {
    return this.#keys.ring.sealData(encodeMessage(json));
  }

  /** Opens a frame of the data channel; null for what is the machine's own business. Any error is final for the channel. */
  openData(frame: Uint8Array, now: number): SealedJSON | null {
    return this.#keys.openData(frame, this.#run !== null, now);
  }

  /** What ties a media connection to the handshake, and sealed messages on it. */
  get ring(): Keyring {
    return this.#keys.ring;
  }

  /** Renews the keys now, unless that is under way. */
  rekey(now: number): void {
    this.#keys.request(this.#run !== null, now);
  }

  /** The host was heard over the media connection. */
  alive(now: number): void {
    this.#comeback.alive(now);
  }

  /** What this person said about the words; a resumed session remembers it. */
  verified(match: boolean): void {
    this.#comeback.verified(match);
  }

  tick(now: number): void {
    const late = now >= Math.min(this.#knockedUntil ?? Infinity, this.#run?.deadline ?? Infinity);
    if (this.#comeback.tick(now) || late) this.#giveUp("E_TIMEOUT");
    this.#keys.tick(this.#run !== null, now);
  }

  /** When to call `tick` next; null for never. */
  deadline(): number | null {
    const waits = Math.min(this.#knockedUntil ?? Infinity, this.#run?.deadline ?? Infinity);
    const at = Math.min(waits, this.#comeback.deadline(), this.#keys.deadline());
    return at === Infinity ? null : at;
  }

  /** Takes the effects since the last call. */
  drain(): Effect[] {
    return this.#outbox.drain();
  }

  #start(now: number): void {
    if (this.#opener === null || this.#cid === null) return;
    if (this.#needsPassword && this.#party.password.length === 0) return this.#needPassword();
    if (this.#failures >= LIMIT_GUESSES) return this.#fail("E_LOCKED");
    const resume = this.#comeback.usable(now);
    const input = { ...this.#party, cidGuest: this.#cid, cidHost: this.#opener.cid, resume };
    this.#phase = "proving";
    this.#keys.yield();
    this.#run = new GuestRun(input, this.#outbox, now);
  }

  /** Repairs a broken session by another handshake, resumed if it can be. */
  #restart(code: Code, now: number): void {
    if (++this.#restarts > LIMIT_RESTARTS) return this.#giveUp(code);
    this.#lose(now);
    this.#start(now);
  }

  #inner(inner: Uint8Array, now: number): void {
    if (inner[0] === FRAME_CONTROL) {
      this.#control(inner, now);
    } else if (inner[0] === FRAME_SIGNALING) {
      // Without a session it is a leftover of one that is over.
      if (this.#up) this.#sealed(inner, now);
    } else {
      const session = this.#run?.receive(inner, now) ?? null;
      if (session !== null) this.#ready(session, now);
    }
  }

  #ready(session: Session, now: number): void {
    this.#end(session.resumed ? "admitted" : "ready");
    this.#up = true;
    this.#outbox.message(0, session, READY_MESSAGE);
    this.#keys.began(session, now);
    this.#outbox.emit({ kind: "ready", slot: 0, session, resumed: session.resumed });
  }

  #sealed(frame: Uint8Array, now: number): void {
    const opened = this.#keys.ring.openSignaling(frame);
    if (opened === null) return;
    this.#keys.ring.heard(opened.session, now);
    const json = decodeMessage(opened.plain);
    if (!hears("host", json.t, standing(this.#phase))) return;
    if (isRekey(json.t)) return this.#keys.hear(json, this.#run !== null, now);
    this.#outbox.emit({ kind: "message", slot: 0, type: json.t, json });
    this.#advance(json.t);
  }

  /** Follows a message of either side. */
  #advance(type: string): void {
    if (type === "admit") {
      this.#phase = "admitted";
      this.#keys.admitted();
    }
    if (type === "admit" || type === "hold") this.#knockedUntil = null;
    if (parts(type)) this.#over();
  }

  #control(inner: Uint8Array, now: number): void {
    const note = decodeControl(inner);
    if (note === null) return;
    switch (noteMeans(note, this.#phase, this.#run?.confirmed ?? false, this.#restarts)) {
      case "over":
        this.#over();
        return this.#outbox.emit({ kind: "failed", slot: 0, code: note.code });
      case "restart":
        return this.#restart(note.code, now);
      case "refused":
        return this.#refusedM3(now);
      case "needs-password":
        return this.#needPassword();
      case "fail":
        return this.#fail(note.code);
    }
  }

  /** The host's answer to a wrong password, or to a resume secret that it does not have: then start afresh. */
  #refusedM3(now: number): void {
    if (this.#run?.resumed) {
      this.#comeback.forget();
      this.#keys.leave();
      return this.#restart("E_CONFIRM", now);
    }
    this.#failures++;
    if (this.#party.password.length === 0) return this.#fail("E_CONFIRM");
    this.#party = { ...this.#party, password: new Uint8Array(0) }; // never tried twice
    this.#end("needs-password");
    this.#outbox.emit({ kind: "wrong-password", failures: this.#failures, locked: this.#failures >= LIMIT_GUESSES });
  }

  #needPassword(): void {
    this.#end("needs-password");
    this.#outbox.emit({ kind: "failed", slot: 0, code: "E_PW_REQUIRED" });
  }

  /** Fails, and tells the host. */
  #giveUp(code: Code): void {
    this.#outbox.note(0, "abort", code);
    this.#fail(code);
  }

  #fail(code: Code): void {
    this.#end("failed");
    this.#comeback.failed();
    this.#outbox.emit({ kind: "failed", slot: 0, code });
  }

  #over(): void {
    this.#end("over");
    this.#keys.leave();
    this.#comeback.forget();
  }

  /** The line is down. An admitted guest can come back from now on. */
  #lose(now: number): void {
    const admitted = this.#phase === "admitted";
    this.#end(this.#phase === "over" ? "over" : "idle");
    this.#comeback.lost(admitted, now);
  }

  #end(phase: Phase): void {
    this.#phase = phase;
    this.#run = null;
    this.#up = false;
    this.#knockedUntil = null;
  }
}
