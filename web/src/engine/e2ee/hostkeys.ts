import type { Admission } from "./admission.ts";
import type { Door } from "./door.ts";
import type { SealedJSON } from "./effects.ts";
import { equal, toBase64Url } from "./encode.ts";
import { E2EEError } from "./errors.ts";
import type { HostHandshake } from "./handshake.ts";
import { Keyring, type Opened } from "./keyring.ts";
import { parseM1 } from "./messages.ts";
import type { Outbox } from "./outbox.ts";
import { carry, field, isRekey, PAUSE_MS, rekeyEvery, RUN_MS } from "./rekey.ts";
import type { ResumeState } from "./resume.ts";
import { decodeMessage, READY_MESSAGE } from "./sealed.ts";
import type { Session } from "./session.ts";
import type { Slot } from "./slot.ts";

/** A re-key under way. */
interface Run {
  readonly n: Uint8Array; // of the guest and of the host, in place of connection ids
  readonly own: Uint8Array;
  handshake: HostHandshake | null; // after M2
  by: number; // the guest's next message is due
}

/** The keys of the admitted guest's session and of those it continues, and how they are renewed. They outlive connections. */
export class HostKeys {
  readonly #outbox: Outbox;
  readonly #door: Door;
  readonly #admission: Admission;
  readonly #every: number;
  #ring = new Keyring();
  #slot = 0; // where the guest was last
  #run: Run | null = null;
  #began = 0; // the epoch in use
  #pleadAt = Infinity;

  constructor(outbox: Outbox, door: Door, admission: Admission, everyMs: number | undefined) {
    this.#outbox = outbox;
    this.#door = door;
    this.#admission = admission;
    this.#every = rekeyEvery(everyMs);
  }

  get ring(): Keyring {
    return this.#ring;
  }

  /** Somebody was let in. */
  admit(slot: Slot, session: Session, now: number): void {
    this.#ring = slot.keys;
    this.#slot = slot.number;
    this.#admission.admit(slot, session.resumeState(slot.verified, now));
    this.#planned(now);
    this.#store();
  }

  /** The guest of an earlier session is back. `used` is the state it came back with. */
  readmit(slot: Slot, session: Session, used: ResumeState, now: number): void {
    if (!this.#admission.taken) this.#ring = new Keyring(); // after a reload of ours
    if (this.#admission.isNext(used)) this.#promote(now); // it has had M4, we have not heard of it
    this.#admission.readmit(slot, used);
    slot.keys = this.#ring;
    this.#slot = slot.number;
    this.#run = null;
    this.#expect(session, used.verified, now);
  }

  /** Asks the guest to renew the keys, unless that is under way. */
  request(now: number): void {
    const { current, next } = this.#ring;
    if (!this.#admission.taken || current === null || next !== null || this.#run !== null) return;
    this.#pleadAt = now + this.#every / 10;
    this.#say({ t: "rekey-please", epoch: current.epoch });
  }

  /** A frame from the admitted guest's data channel; null for what is our own business or came too late to be opened. */
  openData(frame: Uint8Array, now: number): SealedJSON | null {
    const opened = this.#ring.openData(frame);
    if (opened === null) return null;
    if (this.heard(opened, now)) this.#say(READY_MESSAGE);
    const json = decodeMessage(opened.plain);
    if (!isRekey(json.t)) return json;
    this.hear(json, now);
    return null;
  }

  /** Answers "ready" to a guest that was heard under the next keys. */
  greet(): void {
    this.#say(READY_MESSAGE);
  }

  /** True if this frame is the first under the next epoch's keys: the guest has them, and the last resume state has served. */
  heard({ session }: Opened, now: number): boolean {
    const news = session === this.#ring.next;
    if (news) {
      this.#promote(now);
      this.#outbox.emit({ kind: "epoch", slot: this.#slot, session, sending: true });
    }
    this.#ring.heard(session, now);
    return news;
  }

  /** A message about re-keying from the admitted guest, whichever way it came. What is wrong with it ends the run only. */
  hear(json: SealedJSON, now: number): void {
    const n = field(json, "n");
    if (!this.#admission.taken || this.#ring.current === null || n === null) return;
    if (json.t === "rekey") {
      if (now < this.#began + PAUSE_MS) return; // the guest asks again
      const own = this.#door.random(16);
      this.#run = { n, own, handshake: null, by: now + RUN_MS };
      this.#say({ t: "rekey-ok", n: toBase64Url(own), to: toBase64Url(n) });
    } else if (json.t === "hs" && this.#run !== null && equal(n, this.#run.n)) {
      try {
        this.#answer(this.#run, field(json, "b"), now);
      } catch {
        this.#run = null;
      }
    }
  }

  tick(now: number): void {
    this.#ring.tick(now);
    if (this.#run !== null && now >= this.#run.by) this.#run = null;
    if (now < this.#pleadAt) return;
    this.#pleadAt = this.#admission.taken ? now + this.#every / 10 : Infinity;
    this.request(now);
  }

  deadline(): number {
    return Math.min(this.#ring.deadline(), this.#run?.by ?? Infinity, this.#pleadAt);
  }

  /** It costs no guess: only the guest whose password was right gets here. */
  #answer(run: Run, message: Uint8Array | null, now: number): void {
    if (message === null) throw new E2EEError("E_PARSE");
    if (run.handshake === null) {
      const resume = this.#admission.find(parseM1(message).resumeId, now);
      if (resume === null || !this.#admission.isCurrent(resume)) throw new E2EEError("E_EPOCH");
      run.handshake = this.#door.answer(message, run.n, run.own, resume);
      run.by = now + RUN_MS;
      this.#say(carry(run.n, run.handshake.m2));
      return;
    }
    const { m4, session } = run.handshake.receiveM3(message);
    this.#run = null;
    this.#say(carry(run.n, m4));
    this.#expect(session, session.verified, now);
  }

  /**
   * Takes the successor of the guest's session, to hear the guest under it. Until then M4 may have been lost, so the state
   * it was made from is kept, too: the guest can come back with either.
   */
  #expect(session: Session, verified: boolean, now: number): void {
    this.#ring.expect(session);
    this.#admission.expect(session.resumeState(verified, now));
    this.#store();
    this.#outbox.emit({ kind: "epoch", slot: this.#slot, session, sending: false });
  }

  #promote(now: number): void {
    if (this.#ring.next !== null) this.#ring.change(this.#ring.next);
    this.#admission.confirm();
    this.#planned(now);
    this.#store();
  }

  #planned(now: number): void {
    this.#run = null;
    this.#began = now;
    this.#pleadAt = now + this.#every * 1.1; // the guest begins, a host reminds it
  }

  #store(): void {
    this.#outbox.emit({ kind: "resume", resume: this.#admission.states });
  }

  #say(json: SealedJSON): void {
    this.#outbox.emit({ kind: "say", slot: this.#slot, json });
  }
}
