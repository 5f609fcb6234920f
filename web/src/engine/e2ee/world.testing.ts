import type { Budget } from "./budget.ts";
import type { Caps } from "./caps.ts";
import { guestLink } from "./derive.ts";
import type { Effect, SealedJSON } from "./effects.ts";
import { E2EEError } from "./errors.ts";
import { Guest } from "./guest.ts";
import { Host } from "./host.ts";
import { FlagPassword, type Link, newLink, secureRandom } from "./link.ts";
import type { ResumeState } from "./resume.ts";

export const CAPS: Caps = { sframe: 1, video: ["vp9", "vp8"], record: 1, relay: 1, app: "test" };
/** Stands for the stretched password, so that tests need not stretch. */
export const PASSWORD = new Uint8Array(32).fill(1);
export const WRONG = new Uint8Array(32).fill(2);
/** The host among those whose effects are asked for; guests go by their slot. */
export const HOST = -1;

/** The code that this is refused with; empty if it is not. */
export function refusal(fn: () => void): string {
  try {
    fn();
  } catch (e) {
    return e instanceof E2EEError ? e.code : "other";
  }
  return "";
}

type Of<K extends Effect["kind"]> = Extract<Effect, { kind: K }>;
type Frame = { readonly slot: number; readonly toHost: boolean; readonly frame: Uint8Array };

/** A host and its guests, joined by a relay that tests can stop, listen to and bend. Time stands still unless told. */
export class World {
  now = 1_700_000_000_000;
  readonly link: Link;
  host: Host;
  readonly guests = new Map<number, Guest>();
  /** All effects but frames, in order; the host under {@link HOST}, guests under their slot. */
  readonly seen = new Map<number, Effect[]>();
  /** What is on the wire. */
  readonly queue: Frame[] = [];
  /** Sees each frame on its way; what it returns arrives instead. */
  bend: (f: Frame) => Uint8Array | null = (f) => f.frame;
  /** Re-key messages go over the data channel, else over the server. */
  overChannel = false;
  /** What is on its way over the data channel: reliable and in order, until it is replaced. */
  readonly channel: Frame[] = [];
  #hostCid = secureRandom(16);
  readonly #cids = new Map<number, Uint8Array>();

  constructor(flags = 0) {
    this.link = newLink(secureRandom, flags);
    this.host = this.newHost();
    this.hostConnects();
  }

  newHost(budget?: Budget, resume?: readonly ResumeState[]): Host {
    const password = (this.link.flags & FlagPassword) !== 0 ? PASSWORD : new Uint8Array(0);
    this.host = new Host({
      link: this.link,
      password,
      caps: CAPS,
      ...(budget && { budget }),
      ...(resume && { resume }),
    });
    return this.host;
  }

  newGuest(slot: number, password?: Uint8Array, resume?: ResumeState): Guest {
    const guest = new Guest({
      link: guestLink(this.link),
      caps: CAPS,
      ...(password && { password }),
      ...(resume && { resume }),
    });
    this.guests.set(slot, guest);
    return guest;
  }

  guest(slot: number): Guest {
    const guest = this.guests.get(slot);
    if (guest === undefined) throw new Error(`no guest ${slot}`);
    return guest;
  }

  hostConnects(): void {
    this.#hostCid = secureRandom(16);
    this.host.connected(this.#hostCid, this.now);
  }

  /** The host is back under another connection id; the guests' connections stayed. */
  reconnectHost(slots: readonly number[]): void {
    this.hostConnects();
    for (const slot of slots) {
      this.host.peerArrived(slot, this.#cids.get(slot) ?? secureRandom(16), this.now);
      this.guest(slot).hostOnline(this.#hostCid, this.now);
    }
  }

  /** The guest's connection reaches the server, and both sides are told. */
  connect(slot: number): void {
    const cid = secureRandom(16);
    this.#cids.set(slot, cid);
    this.guest(slot).connected(cid, this.now);
    this.host.peerArrived(slot, cid, this.now);
    this.guest(slot).hostOnline(this.#hostCid, this.now);
  }

  /** The guest's connection breaks; frames on it are gone. */
  cut(slot: number): void {
    this.drop(slot);
    this.guest(slot).disconnected(this.now);
    this.host.peerGone(slot, this.now);
  }

  drop(slot: number): void {
    for (let i = this.queue.length - 1; i >= 0; i--) if (this.queue[i]?.slot === slot) this.queue.splice(i, 1);
  }

  /** Brings a new guest to ready. */
  meet(slot: number, password?: Uint8Array, resume?: ResumeState): void {
    this.newGuest(slot, password, resume);
    this.connect(slot);
    this.run();
  }

  admit(slot: number): void {
    this.host.send(slot, { t: "admit", policy: {} }, this.now);
    this.run();
  }

  /** Delivers frames until none is left. */
  run(): void {
    while (this.step());
  }

  /** Delivers one frame; false if there was none. */
  step(): boolean {
    this.collect();
    if (this.carry()) return true;
    const f = this.queue.shift();
    if (f === undefined) return false;
    const frame = this.bend(f);
    if (frame !== null) {
      if (f.toHost) this.host.receive(f.slot, frame, this.now);
      else this.guests.get(f.slot)?.receive(frame, this.now);
    }
    this.collect();
    return true;
  }

  /** Delivers one frame of the data channel, which must open; false if there was none. */
  carry(): boolean {
    const f = this.channel.shift();
    if (f === undefined) return false;
    if (f.toHost) this.host.openData(f.frame, this.now);
    else this.guest(f.slot).openData(f.frame, this.now);
    this.collect();
    return true;
  }

  #say(slot: number, fromHost: boolean, json: SealedJSON): void {
    const who = fromHost ? this.host : this.guest(slot);
    try {
      if (this.overChannel) this.channel.push({ slot, toHost: !fromHost, frame: who.sealData(json) });
      else if (who instanceof Host) who.send(slot, json, this.now);
      else who.send(json, this.now);
    } catch (e) {
      if ((e as { code?: string }).code !== "E_STATE") throw e; // nobody to say it to
    }
  }

  pass(ms: number): void {
    this.now += ms;
    this.host.tick(this.now);
    for (const g of this.guests.values()) g.tick(this.now);
    this.collect();
  }

  collect(): void {
    for (const e of this.host.drain()) this.#sort(HOST, true, e);
    for (const [slot, g] of this.guests) for (const e of g.drain()) this.#sort(slot, false, e);
  }

  /** Effects of one kind that a machine had so far. */
  effects<K extends Effect["kind"]>(who: number, kind: K): Of<K>[] {
    this.collect();
    return (this.seen.get(who) ?? []).filter((e): e is Of<K> => e.kind === kind);
  }

  codes(who: number): string[] {
    return this.effects(who, "failed").map((e) => e.code);
  }

  #sort(who: number, fromHost: boolean, e: Effect): void {
    if (e.kind === "send-frame") {
      this.queue.push({ slot: fromHost ? e.slot : who, toHost: !fromHost, frame: e.frame });
    } else if (e.kind === "say") {
      this.#say(fromHost ? e.slot : who, fromHost, e.json);
      this.collect();
    } else this.seen.set(who, [...(this.seen.get(who) ?? []), e]);
  }
}
