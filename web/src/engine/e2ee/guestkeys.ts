import type { Comeback } from "./comeback.ts";
import type { SealedJSON } from "./effects.ts";
import { equal, toBase64Url } from "./encode.ts";
import { E2EEError } from "./errors.ts";
import { GuestHandshake } from "./handshake.ts";
import { Keyring } from "./keyring.ts";
import type { Outbox } from "./outbox.ts";
import type { Party } from "./party.ts";
import { carry, field, isRekey, REKEY_FRAMES, rekeyEvery, retryAfter, RUN_MS } from "./rekey.ts";
import { decodeMessage, READY_MESSAGE } from "./sealed.ts";
import type { Session } from "./session.ts";

/** A re-key under way. */
interface Run {
  readonly n: Uint8Array;
  handshake: GuestHandshake | null; // after rekey-ok
  confirmed: boolean; // M3 is sent
  by: number; // the host's next message is due
}

/** The keys of a guest's session and of those it continues, and how they are renewed. They outlive connections. */
export class GuestKeys {
  readonly #outbox: Outbox;
  readonly #comeback: Comeback;
  readonly #party: () => Party;
  readonly #every: number;
  #ring = new Keyring();
  #admitted = false;
  #run: Run | null = null;
  #at = Infinity; // when the next run begins
  #tries = 0; // runs given up since the last epoch

  constructor(outbox: Outbox, comeback: Comeback, party: () => Party, everyMs: number | undefined) {
    this.#outbox = outbox;
    this.#comeback = comeback;
    this.#party = party;
    this.#every = rekeyEvery(everyMs);
  }

  get ring(): Keyring {
    return this.#ring;
  }

  /** A handshake over a connection is complete. */
  began(session: Session, now: number): void {
    if (!session.resumed) this.#ring = new Keyring();
    this.#ring.change(session);
    this.#admitted = session.resumed;
    this.#planned(session, now);
    if (session.resumed) this.#outbox.emit({ kind: "epoch", slot: 0, session, sending: true });
  }

  admitted(): void {
    this.#admitted = true;
  }

  /** There is nothing to come back to. */
  leave(): void {
    this.#admitted = false;
    this.#run = null;
  }

  /** A handshake over a connection runs: it does the same. */
  yield(): void {
    this.#run = null;
  }

  /** Begins to renew the keys, unless that is under way; `busy` while a handshake over a connection does so anyway. */
  request(busy: boolean, now: number): void {
    if (this.#run !== null || busy || !this.#admitted || this.#comeback.usable(now) === null) return;
    const n = this.#party().random(16);
    this.#run = { n, handshake: null, confirmed: false, by: now + RUN_MS };
    this.#at = Infinity;
    this.#say({ t: "rekey", n: toBase64Url(n) });
  }

  /** A frame from the data channel; null for what is our own business or came too late to be opened. */
  openData(frame: Uint8Array, busy: boolean, now: number): SealedJSON | null {
    const opened = this.#ring.openData(frame);
    if (opened === null) return null;
    this.#ring.heard(opened.session, now);
    const json = decodeMessage(opened.plain);
    if (!isRekey(json.t)) return json;
    this.hear(json, busy, now);
    return null;
  }

  /** A message about re-keying, whichever way it came. */
  hear(json: SealedJSON, busy: boolean, now: number): void {
    if (!this.#admitted) return;
    if (json.t === "rekey-please") {
      if (json["epoch"] === undefined || json["epoch"] === this.#ring.current?.epoch) this.request(busy, now);
      return;
    }
    const run = this.#run;
    const n = field(json, "n");
    if (run === null || n === null) return;
    try {
      if (json.t === "rekey-ok") this.#agreed(run, n, field(json, "to"), now);
      else if (json.t === "hs" && equal(n, run.n)) this.#answered(run, field(json, "b"), now);
    } catch {
      this.#giveUp(now);
    }
  }

  tick(busy: boolean, now: number): void {
    this.#ring.tick(now);
    if (this.#run !== null) {
      if (now >= this.#run.by) this.#giveUp(now);
    } else if (this.#admitted && (now >= this.#at || this.#worn())) {
      this.#at = now + retryAfter(this.#tries); // if it cannot begin now
      this.request(busy, now);
      if (this.#run === null) this.#tries++;
    }
  }

  deadline(): number {
    const next = this.#worn() ? 0 : this.#at;
    return Math.min(this.#ring.deadline(), this.#run?.by ?? (this.#admitted ? next : Infinity));
  }

  #agreed(run: Run, host: Uint8Array, to: Uint8Array | null, now: number): void {
    if (run.handshake !== null || to === null || !equal(to, run.n)) return;
    const resume = this.#comeback.usable(now);
    run.handshake = new GuestHandshake({ ...this.#party(), cidGuest: run.n, cidHost: host, resume });
    run.by = now + RUN_MS;
    this.#say(carry(run.n, run.handshake.m1));
  }

  #answered(run: Run, message: Uint8Array | null, now: number): void {
    if (run.handshake === null || message === null) throw new E2EEError("E_PARSE");
    if (!run.confirmed) {
      const m3 = run.handshake.receiveM2(message);
      if (!run.handshake.resumed) throw new E2EEError("E_EPOCH", "re-key does not continue the session");
      run.confirmed = true;
      run.by = now + RUN_MS;
      this.#say(carry(run.n, m3));
      return;
    }
    const session = run.handshake.receiveM4(message);
    this.#ring.change(session);
    this.#planned(session, now);
    this.#outbox.emit({ kind: "epoch", slot: 0, session, sending: true });
    this.#say(READY_MESSAGE);
  }

  /** Plans what comes after a handshake of any kind. */
  #planned(session: Session, now: number): void {
    this.#comeback.began(session, now);
    this.#run = null;
    this.#at = now + this.#every;
    this.#tries = 0;
  }

  /** Gives the run up. The session goes on under the keys it has. */
  #giveUp(now: number): void {
    this.#run = null;
    this.#at = now + retryAfter(this.#tries++);
  }

  #worn(): boolean {
    return this.#tries === 0 && this.#ring.worn(REKEY_FRAMES);
  }

  #say(json: SealedJSON): void {
    this.#outbox.emit({ kind: "say", slot: 0, json });
  }
}
