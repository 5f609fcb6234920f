import type { HostHandshake } from "./handshake.ts";
import { Keyring } from "./keyring.ts";
import type { OuterOpener } from "./outer.ts";
import type { ResumeState } from "./resume.ts";
import type { Session } from "./session.ts";

/**
 *   wait ──M1──▶ delayed ──▶ m2-sent ──M3──▶ proven ──first sealed frame──▶ ready
 *
 * Every error, refusal and hangup leads back to wait.
 */
export type SlotPhase = "wait" | "delayed" | "m2-sent" | "proven" | "ready";

/** One guest's connection, as its host sees it. Owned by `Host`. */
export class Slot {
  readonly number: number;
  readonly cid: Uint8Array;
  readonly opener: OuterOpener;
  phase: SlotPhase = "wait";
  /** In phase delayed: what to answer at the deadline. */
  m1: Uint8Array | null = null;
  handshake: HostHandshake | null = null;
  /** The state that the handshake builds on: its guest was admitted already. */
  resume: ResumeState | null = null;
  session: Session | null = null;
  /** Of the session and, for the admitted guest, its relatives. */
  keys = new Keyring();
  /** The person said that the words match. */
  verified = false;
  /** ms since the epoch; null for none. */
  deadline: number | null = null;

  constructor(number: number, opener: OuterOpener) {
    this.number = number;
    this.cid = opener.cid;
    this.opener = opener;
  }

  /** The host is to answer this M1 later. */
  delay(m1: Uint8Array, until: number): void {
    this.phase = "delayed";
    this.m1 = m1;
    this.deadline = until;
  }

  /** M2 is on its way. */
  answered(handshake: HostHandshake, resume: ResumeState | null, deadline: number): void {
    this.phase = "m2-sent";
    this.m1 = null;
    this.handshake = handshake;
    this.resume = resume;
    this.deadline = deadline;
  }

  /** M4 is on its way; it may yet be lost. */
  proven(session: Session, deadline: number): void {
    this.phase = "proven";
    this.handshake = null;
    this.session = session;
    this.keys = new Keyring();
    if (this.resume === null) this.keys.change(session);
    this.verified = session.verified;
    this.deadline = deadline;
  }

  /** The guest was heard under the new keys: M4 has arrived. */
  heard(): void {
    this.phase = "ready";
    this.deadline = null;
  }

  /** Forgets handshake and session. */
  reset(): void {
    this.phase = "wait";
    this.m1 = null;
    this.handshake = null;
    this.resume = null;
    this.session = null;
    this.keys = new Keyring();
    this.verified = false;
    this.deadline = null;
  }
}
