import type { ServerMessage } from "../protocol/decode.ts";
import type { Joined, Peer } from "../protocol/messages.gen.ts";
import { LimitName, LimitNote, type Rehearse } from "../protocol/sealed.gen.ts";
import type { Role } from "./call.ts";
import { dataKeys, type DataKeys } from "./datakeys.ts";
import { Door } from "./door.ts";
import { LIMIT_GUESSES } from "./e2ee/budget.ts";
import type { Effect, SealedJSON } from "./e2ee/effects.ts";
import { fromBase64Url } from "./e2ee/encode.ts";
import { codeOf, type Code } from "./e2ee/errors.ts";
import type { Host } from "./e2ee/host.ts";
import type { Session } from "./e2ee/session.ts";
import type { Line } from "./line.ts";
import { hostLine, hostMachine } from "./opening.ts";
import { endReason, endsCall, type Over } from "./parting.ts";
import { Party } from "./party.ts";
import { Pump } from "./pump.ts";
import { decodeSealed } from "./sealed.ts";
import type { CallState } from "./state.ts";
import { cleanText } from "./text.ts";
import type { EndReason, Verdict } from "./types.ts";

/** A guest that begins one rehearsal after the other gets no more than this. */
const REHEARSE_MS = 2_000;

/** The host's side of a call. */
export class HostRole extends Party implements Role {
  protected readonly role = "host";
  protected readonly line: Line;
  protected readonly keys: DataKeys;
  readonly #pump: Pump<Host>;
  readonly #door: Door;
  readonly #sessions = new Map<number, Session>(); // proven guests by slot
  #forGood = false;
  #slot: number | null = null; // of the guest in the conversation, while connected
  #relayed: number | null = null; // the slot that was given the relay last, connected or not
  #rehearses: number | null = null; // the slot of the visitor with whom the path is being opened
  #rehearsedAt = -Infinity;

  constructor(state: CallState) {
    super(state);
    const machine = hostMachine(state.options, this.password, this.persist.loadBudget(), this.found);
    this.#pump = new Pump(machine, (e) => this.handle(e));
    this.keys = dataKeys("host", this.#pump);
    this.line = hostLine(state.options, this.callId);
    this.#door = new Door(state, (type) => this.line.send({ type }));
    this.#door.count(machine.budget);
    this.line.on("joined", ({ cid, joined }) => this.#joined(cid, joined));
    this.line.on("message", (m) => this.#receive(m));
    this.line.on("frame", ({ slot, frame }) => this.#pump.run((m, now) => m.receive(slot, frame, now)));
    this.line.on("down", () => this.down());
    this.line.on("unreachable", () => this.unreachable());
    this.line.on("final", (code) => this.lastWord({ reason: reasonFor(code), code }));
  }

  start(): void {
    this.line.start();
  }

  override admit(slot: number): void {
    const session = this.#sessions.get(slot);
    const visitor = this.#door.visitor(slot);
    if (!session || !visitor || this.conversation) return;
    if (this.#rehearses !== slot) this.stopRehearsal();
    this.#rehearses = null;
    this.#door.left(slot);
    const { limitMs } = this.state.options;
    const { sframe, relay, record } = session.policy;
    this.#grant(slot);
    this.#pump.run((m, now) => m.admitted(slot, now));
    this.#say(slot, {
      t: "admit",
      policy: { sframe, relay, rec: record, ...(limitMs !== null && { limit_ms: limitMs }) },
    });
    this.#begin(slot, session, visitor.name);
  }

  override hold(slot: number, message: string): void {
    this.#say(slot, { t: "hold", msg: cleanText(message, LimitNote) });
    this.#door.held(slot);
  }

  override refuse(slot: number, message: string): void {
    if (slot === this.#slot) return;
    this.#say(slot, { t: "deny", reason: cleanText(message, LimitNote) });
    this.line.send({ type: "drop", slot });
    this.#left(slot);
  }

  override removeGuest(): void {
    this.conversation?.leave("removed");
  }

  override allowMore(): void {
    this.#pump.run((m) => m.allow(LIMIT_GUESSES));
  }

  override setLocked(on: boolean): void {
    this.#door.lock(on);
  }

  override setRelayOnly(on: boolean): void {
    const before = this.state.view.relayOnly;
    super.setRelayOnly(on);
    if (this.state.view.relayOnly === before || this.conversation) return;
    this.#rehearses = null; // what was open showed more than it shall now
    this.#rehearse();
  }

  override verify(verdict: Verdict): void {
    const slot = this.#slot;
    if (slot !== null) this.#pump.run((m, now) => m.verified(slot, verdict === "match", now));
    super.verify(verdict);
  }

  protected renewKeys(): void {
    this.#pump.run((m, now) => m.rekey(now));
  }

  hangup(): void {
    if (this.conversation) return this.conversation.leave("hangup");
    this.#leave("hangup", null);
  }

  override endForGood(): void {
    this.#forGood = true;
    this.hangup();
  }

  override close(): void {
    super.close();
    this.#pump.close();
  }

  protected whisper(json: SealedJSON): void {
    if (this.#slot !== null) this.#say(this.#slot, json);
  }

  protected handle(effect: Effect): void {
    switch (effect.kind) {
      case "send-frame":
        return this.line.sendFrame(effect.slot, effect.frame);
      case "back":
        return this.#back(effect.slot);
      case "ready":
        return this.#ready(effect.slot, effect.session, effect.resumed);
      case "say":
        return this.say(effect.json);
      case "epoch":
        return this.epoch(effect.session, effect.sending);
      case "message":
        return this.#message(effect.slot, effect.json);
      case "failed":
        return this.#lost(effect.slot);
      case "wrong-password":
        return this.state.notice({ kind: effect.locked ? "locked" : "wrong-password" });
      case "budget":
        this.persist.saveBudget(effect.budget);
        return this.#door.count(effect.budget);
      case "resume":
        return this.remember(effect.resume);
    }
  }

  protected onOver(over: Over): void {
    const { endsAt } = this.state.view;
    // Whoever hung up: what the guest was given of the relay would outlive its seat.
    if (this.#relayed !== null) this.line.send({ type: "drop", slot: this.#relayed });
    this.#slot = this.#relayed = null;
    this.#pump.run((m, now) => m.release(now));
    this.forgetSeat();
    this.#door.apply();
    if (endsCall(over, endsAt, Date.now())) return this.#leave(endReason(over), over.code);
    this.pause();
    this.state.notice({ kind: "peer-left" });
    this.state.aloneAgain(over.code);
    this.line.send({ type: "renew" }); // brings fresh credentials, and with them the next prepared connection
  }

  /** Once somebody has been in, a link for one call goes with the host. */
  #leave(reason: EndReason, code: Code | null): void {
    this.spent = this.#forGood || (this.state.options.oneTime && this.met);
    if (this.spent) this.line.send({ type: "end" });
    this.finish(reason, code);
  }

  #joined(cid: Uint8Array, joined: Joined): void {
    this.reachable();
    if (joined.ice) this.useServers(joined.ice.servers);
    if (joined.locked) this.#door.wasLocked();
    // Nobody is in: forget the lock of an admission that an earlier page made.
    else if (!this.conversation && !this.found) this.#door.apply();
    this.#pump.run((m, now) => m.connected(cid, now));
    this.state.move("open", { expiresAt: joined.expires_ms ?? this.state.view.expiresAt });
  }

  #receive(message: ServerMessage): void {
    switch (message.type) {
      case "peer":
        return this.#peer(message);
      case "ice":
        this.useServers(message.ice.servers);
        return this.#rehearse();
      case "ended":
        return this.lastWord({ reason: "expired", code: message.reason === "expired" ? "E_GONE" : null });
    }
  }

  #peer({ slot, cid, state }: Peer): void {
    if (state === "waiting") {
      this.#pump.run((m, now) => m.peerArrived(slot, fromBase64Url(cid), now));
      return;
    }
    this.#pump.run((m, now) => m.peerGone(slot, now));
    this.#lost(slot);
  }

  protected down(): void {
    this.conversation?.suspect();
    this.#pump.run((m, now) => m.disconnected(now));
    this.#sessions.clear();
    this.#slot = null;
    this.state.move("line-lost");
    this.state.set({ visitors: [] });
    this.#rehearse();
  }

  #lost(slot: number): void {
    this.#sessions.delete(slot);
    this.#left(slot);
    if (slot !== this.#slot) return;
    this.#slot = null; // media may go on; the guest comes back in another slot
    if (this.conversation) this.state.set({ peerAway: true });
    if (this.#door.locked) this.line.send({ type: "unlock" });
  }

  #left(slot: number): void {
    this.#door.left(slot);
    this.#rehearse();
  }

  /** With the first of those who stand at the door. */
  #rehearse(): void {
    const slot = this.state.view.visitors[0]?.slot ?? null;
    if (slot === this.#rehearses || this.conversation) return;
    this.stopRehearsal();
    this.#rehearses = slot;
    this.#rehearsedAt = performance.now();
    if (slot === null) return;
    this.#grant(slot, true);
    this.rehearse((message) => this.#say(slot, { ...message }));
  }

  #rehearsed(slot: number, message: Rehearse): void {
    if (slot !== this.#rehearses) return;
    if (message.sdp?.type !== "rollback") return this.rehearsed(message);
    // They have no connection any more.
    if (performance.now() - this.#rehearsedAt < REHEARSE_MS) return;
    this.#rehearses = null;
    this.#rehearse();
  }

  /** Also tells those who are at the door already. */
  setName(name: string): void {
    this.state.set({ hostName: cleanText(name, LimitName) });
    for (const slot of this.#sessions.keys()) this.#hello(slot);
  }

  #hello(slot: number): void {
    const { hostName, title } = this.state.view;
    this.#say(slot, { t: "hello", name: hostName, title });
  }

  #ready(slot: number, session: Session, resumed: boolean): void {
    this.#sessions.set(slot, session);
    this.#hello(slot);
    if (!resumed) return;
    if (this.#door.locked) this.#door.apply();
    if (!this.conversation) {
      this.#grant(slot);
      return this.#begin(slot, session, this.found?.peerName ?? "");
    }
    this.state.set({ peerAway: false });
    this.proven(session);
    this.conversation.epoch(session, true); // their keys changed with this handshake, and ours
  }

  /** The guest in the conversation has another way to the server: what it needs for another path follows M4 at once. */
  #back(slot: number): void {
    if (!this.conversation) return;
    this.#grant(slot);
    this.#slot = slot;
    this.conversation.resumed();
  }

  #grant(slot: number, rehearsal = false): void {
    this.#relayed = slot;
    this.line.send({ type: "grant", slot, ...(rehearsal && { rehearsal }) });
  }

  #begin(slot: number, session: Session, name: string): void {
    this.#slot = slot;
    this.proven(session);
    if (session.policy.relay === 2) this.setRelayOnly(true);
    this.converse(session, name, this.state.options.limitMs).begin();
    this.state.notice({ kind: "peer-joined" });
  }

  #message(slot: number, json: SealedJSON): void {
    if (slot === this.#slot) return this.conversation?.receive(json);
    const message = decodeSealed(json);
    if (message?.t === "bye") this.#lost(slot);
    if (message?.t === "rehearse") return this.#rehearsed(slot, message);
    if (message?.t !== "knock") return;
    const visitor = this.#door.knocked(slot, message);
    if (!visitor) return;
    if (!this.state.options.waitingRoom && !this.conversation) return this.admit(slot);
    this.#rehearse();
    this.state.knock(visitor);
  }

  #say(slot: number, json: SealedJSON): void {
    try {
      this.#pump.run((m, now) => m.send(slot, json, now));
    } catch (error) {
      if (codeOf(error) !== "E_STATE") throw error; // gone just now: it has no receiver
    }
  }
}

function reasonFor(code: Code): EndReason {
  return code === "E_GONE" ? "expired" : code === "E_REPLACED" ? "replaced" : "error";
}
