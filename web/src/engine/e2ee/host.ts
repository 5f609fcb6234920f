import { Admission } from "./admission.ts";
import type { Budget } from "./budget.ts";
import { decodeControl, FRAME_CONTROL } from "./control.ts";
import { Door, type HostConfig } from "./door.ts";
import type { Effect, SealedJSON } from "./effects.ts";
import { type Code, codeOf, E2EEError } from "./errors.ts";
import { FRAME_SIGNALING } from "./frames.ts";
import { HostKeys } from "./hostkeys.ts";
import type { Keyring } from "./keyring.ts";
import { messageNumber } from "./messages.ts";
import { Outbox } from "./outbox.ts";
import { OuterMemory } from "./outer.ts";
import { isRekey } from "./rekey.ts";
import { checkSays, decodeMessage, encodeMessage, hears, parts } from "./sealed.ts";
import type { Session } from "./session.ts";
import { Slot } from "./slot.ts";

const ANSWER_MS = 10_000;
/** Guests who are not admitted that a host talks to at once. */
const LIMIT_WAITING = 4;

/**
 * The host's machine: it answers handshakes, counts guesses, knows who is
 * admitted and says who may say what. No I/O, no clock: feed it events, then
 * drain effects. `now` is ms since the epoch.
 */
export class Host {
  readonly #admission: Admission;
  readonly #door: Door;
  readonly #keys: HostKeys;
  readonly #slots = new Map<number, Slot>();
  readonly #outbox = new Outbox();
  readonly #heard = new OuterMemory();
  #cid: Uint8Array | null = null;

  /** E_STATE for a guest link, E_POLICY if the link demands what our caps cannot do. */
  constructor(config: HostConfig) {
    this.#admission = new Admission(config.resume ?? []);
    this.#door = new Door(config, this.#admission);
    this.#keys = new HostKeys(this.#outbox, this.#door, this.#admission, config.rekeyMs);
  }

  /** Wrong guesses so far; see `budgetLocked` and `guessesLeft`. */
  get budget(): Budget {
    return this.#door.budget;
  }

  /** A new connection to the server joined under this id, fresh random bytes. All slots are empty again. */
  connected(cid: Uint8Array, now: number): void {
    this.disconnected(now);
    this.#cid = cid;
    this.#outbox.connect(this.#door.keys, "host", cid);
  }

  disconnected(now: number): void {
    for (const slot of [...this.#slots.keys()]) this.peerGone(slot, now);
    this.#cid = null;
    this.#outbox.disconnect();
  }

  /** A guest's connection took a slot. Beyond four that wait it is told busy at once. */
  peerArrived(slot: number, cid: Uint8Array, now: number): void {
    this.peerGone(slot, now);
    const waiting = this.#slots.size - (this.#admission.slot === null ? 0 : 1);
    // One more while the admitted guest is away: strangers who say nothing must not take the place to come back to.
    const room = LIMIT_WAITING + (this.#admission.taken && this.#admission.slot === null ? 1 : 0);
    if (waiting < room) this.#slots.set(slot, new Slot(slot, this.#heard.of(this.#door.keys, "guest", cid)));
    else this.#outbox.note(slot, "busy", "E_BUSY");
  }

  peerGone(slot: number, now: number): void {
    const s = this.#slots.get(slot);
    if (s !== undefined) this.#lose(s, now);
    this.#slots.delete(slot);
  }

  /** Takes an outer frame, without the slot prefix. */
  receive(slot: number, frame: Uint8Array, now: number): void {
    const s = this.#slots.get(slot);
    if (s === undefined) return;
    this.#guard(s, now, () => {
      const inner = s.opener.receive(frame);
      if (inner !== null) this.#inner(s, inner, now);
    });
  }

  /** Seals one message to a ready guest; "admit" admits it as `admitted` does. E_STATE if a host may not say that now, E_SIZE. */
  send(slot: number, json: SealedJSON, now: number): void {
    const s = this.#slots.get(slot);
    if (json.t === "admit") this.admitted(slot, now);
    const session = s && this.#sealer(s);
    if (!s || !session) throw new E2EEError("E_STATE");
    checkSays("host", json.t, this.#admission.standing(s));
    this.#outbox.message(slot, session, json);
    if (parts(json.t)) this.#part(s, now);
  }

  /**
   * The person let this guest in: it may resume, and others are told busy until
   * `release`. E_BUSY if another guest is admitted, E_STATE if this one is not ready.
   */
  admitted(slot: number, now: number): void {
    const s = this.#slots.get(slot);
    if (s?.phase !== "ready" || s.session === null) throw new E2EEError("E_STATE");
    if (s === this.#admission.slot) return;
    if (this.#admission.taken) throw new E2EEError("E_BUSY");
    this.#keys.admit(s, s.session, now);
  }

  /** Seals one message for the admitted guest's data channel. E_STATE without one. */
  sealData(json: SealedJSON): Uint8Array {
    return this.#keys.ring.sealData(encodeMessage(json));
  }

  /** Opens a frame of the data channel; null for what is the machine's own business. Any error is final for the channel. */
  openData(frame: Uint8Array, now: number): SealedJSON | null {
    return this.#keys.openData(frame, now);
  }

  /** What ties a media connection to the handshake, and sealed messages on it. */
  get ring(): Keyring {
    return this.#keys.ring;
  }

  /** Asks the admitted guest to renew the keys now, unless that is under way. */
  rekey(now: number): void {
    this.#keys.request(now);
  }

  /** The admitted guest was heard over the media connection. */
  alive(now: number): void {
    if (this.#admission.alive(now)) this.#storeResume();
  }

  /** What this person said about the words; a resumed session remembers it. */
  verified(slot: number, match: boolean, _now: number): void {
    const s = this.#slots.get(slot);
    if (s !== undefined) s.verified = match;
    if (s === undefined || s !== this.#admission.slot) return;
    this.#admission.verified(match);
    this.#storeResume();
  }

  /** Ends what runs with a guest and tells it why. An admitted guest is released. */
  close(slot: number, code: Code, now: number): void {
    const s = this.#slots.get(slot);
    if (s === undefined) return;
    this.#outbox.note(slot, code === "E_BUSY" ? "busy" : "abort", code);
    this.#part(s, now);
  }

  /** Forgets the admitted guest, present or not: the next one may come. A "bye" of either side does it by itself. */
  release(_now: number): void {
    if (!this.#admission.taken) return;
    this.#admission.slot?.reset();
    this.#admission.release();
    this.#storeResume();
  }

  /** Gives more guesses, typically LIMIT_GUESSES, and so unlocks. */
  allow(more: number): void {
    this.#door.allow(more);
    this.#outbox.emit({ kind: "budget", budget: this.budget });
  }

  tick(now: number): void {
    for (const s of this.#slots.values()) {
      if (s.deadline === null || now < s.deadline) continue;
      this.#guard(s, now, () => {
        if (s.m1 === null) throw new E2EEError("E_TIMEOUT");
        this.#judge(s, s.m1, true, now);
      });
    }
    if (this.#admission.tick(now)) this.#storeResume();
    this.#keys.tick(now);
  }

  /** When to call `tick` next; null for never. */
  deadline(): number | null {
    const slots = [...this.#slots.values()].map((s) => s.deadline ?? Infinity);
    const at = Math.min(this.#admission.deadline(), this.#keys.deadline(), ...slots);
    return at === Infinity ? null : at;
  }

  /** Takes the effects since the last call. */
  drain(): Effect[] {
    return this.#outbox.drain();
  }

  /** Whatever is thrown ends what runs in this slot, and the guest is told if it had a part in it. */
  #guard(s: Slot, now: number, step: () => void): void {
    try {
      step();
    } catch (e) {
      const code = codeOf(e);
      // Anybody can make up bad frames. The guest would take a note about them for a verdict on its M3.
      if (code === "E_OUTER") this.#slots.delete(s.number);
      else this.#outbox.note(s.number, "abort", code);
      this.#failed(s, code, now);
    }
  }

  #inner(s: Slot, inner: Uint8Array, now: number): void {
    if (inner[0] === FRAME_CONTROL) {
      // It proves only that its sender has the link, so all it does is end what runs in its own slot.
      const note = decodeControl(inner);
      if (note?.t === "abort" && s.phase !== "wait") this.#failed(s, note.code, now);
    } else if (inner[0] === FRAME_SIGNALING) {
      // Without a session it is a leftover of one that just ended here.
      if (s.session !== null) this.#sealed(s, s.session, inner, now);
    } else if (messageNumber(inner) === 1) {
      this.#lose(s, now); // the guest starts over
      this.#judge(s, inner, false, now);
    } else if (messageNumber(inner) === 3 && s.phase === "m2-sent") {
      this.#confirm(s, inner, now);
    } else {
      throw new E2EEError("E_PARSE", "not the message that is due");
    }
  }

  #judge(s: Slot, m1: Uint8Array, again: boolean, now: number): void {
    const verdict = this.#door.judge(m1, again, now);
    if (verdict.kind === "refuse") {
      this.#outbox.note(s.number, verdict.t, verdict.code);
      this.#failed(s, verdict.code, now);
    } else if (verdict.kind === "delay") {
      s.delay(m1, verdict.until);
    } else if (this.#cid !== null) {
      const handshake = this.#door.answer(m1, s.cid, this.#cid, verdict.resume);
      s.answered(handshake, verdict.resume, now + ANSWER_MS);
      this.#outbox.send(s.number, handshake.m2);
    }
  }

  #confirm(s: Slot, m3: Uint8Array, now: number): void {
    const used = s.resume;
    // Things may have changed since M2: the last guess is used up, or the state, which serves once.
    if (used === null && this.#door.locked) throw new E2EEError("E_LOCKED");
    if (used !== null && this.#admission.find(used.id, now) === null) throw new E2EEError("E_CONFIRM");
    const done = s.handshake === null ? null : this.#door.confirm(s.handshake, m3, now);
    if (done === null) {
      this.#outbox.emit({ kind: "budget", budget: this.budget });
      this.#outbox.emit({ kind: "wrong-password", failures: this.budget.failures, locked: this.#door.locked });
      throw new E2EEError("E_CONFIRM");
    }
    s.proven(done.session, now + ANSWER_MS);
    this.#outbox.send(s.number, done.m4);
    if (used === null) return;
    this.#keys.readmit(s, done.session, used, now);
    this.#outbox.emit({ kind: "back", slot: s.number, session: done.session });
  }

  /**
   * What to seal with for this guest; null while there is nothing to say to it. One that has come back is told things
   * before it was heard: frames of one connection keep their order, so if it misses M4 it misses them, too.
   */
  #sealer(s: Slot): Session | null {
    if (s.phase === "ready") return s.keys.current;
    return s.phase === "proven" && s === this.#admission.slot ? s.session : null;
  }

  #sealed(s: Slot, session: Session, frame: Uint8Array, now: number): void {
    const opened = s.keys.openSignaling(frame);
    if (opened === null) return;
    const renewed = s === this.#admission.slot && this.#keys.heard(opened, now);
    const json = decodeMessage(opened.plain);
    if (s.phase === "proven") {
      if (opened.session !== session) return;
      s.heard();
      this.#outbox.emit({ kind: "ready", slot: s.number, session, resumed: session.resumed });
    } else if (renewed) this.#keys.greet();
    if (!hears("guest", json.t, this.#admission.standing(s))) return;
    if (isRekey(json.t)) return this.#keys.hear(json, now);
    this.#outbox.emit({ kind: "message", slot: s.number, type: json.t, json });
    if (parts(json.t)) this.#part(s, now);
  }

  /** Refused or hung up: nothing more is heard of this session. */
  #part(s: Slot, now: number): void {
    if (s === this.#admission.slot) this.release(now);
    else s.reset();
  }

  #failed(s: Slot, code: Code, now: number): void {
    this.#lose(s, now);
    this.#outbox.emit({ kind: "failed", slot: s.number, code });
  }

  /** Handshake or session are lost. An admitted guest can come back from now on. */
  #lose(s: Slot, now: number): void {
    s.reset();
    if (s !== this.#admission.slot) return;
    this.#admission.away(now);
    this.#storeResume();
  }

  #storeResume(): void {
    this.#outbox.emit({ kind: "resume", resume: this.#admission.states });
  }
}
