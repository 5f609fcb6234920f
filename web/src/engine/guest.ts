import type { ServerMessage } from "../protocol/decode.ts";
import type { Policy, Rehearse, Tested } from "../protocol/sealed.gen.ts";
import type { Role } from "./call.ts";
import { dataKeys, type DataKeys } from "./datakeys.ts";
import type { Effect, SealedJSON } from "./e2ee/effects.ts";
import { fromBase64Url } from "./e2ee/encode.ts";
import { codeOf, type Code } from "./e2ee/errors.ts";
import { Guest } from "./e2ee/guest.ts";
import { stretchPassword } from "./e2ee/password.ts";
import type { Session } from "./e2ee/session.ts";
import { Line } from "./line.ts";
import { endReason, type Over } from "./parting.ts";
import { capabilities } from "./capabilities.ts";
import { Party } from "./party.ts";
import { Pump } from "./pump.ts";
import { decodeSealed } from "./sealed.ts";
import { isRefusal, setback } from "./setback.ts";
import type { CallState } from "./state.ts";
import type { EndReason, Verdict } from "./types.ts";

const GUESSES = 5;
/** After a handshake that failed by accident; and between any two while media flows, whatever the server says of the host. */
const TRY_AGAIN_MS = 3_000;

/** A host that makes one connection after the other keeps nobody busy. */
const REHEARSE_MS = 1_000;

/** The guest's side of a call. */
export class GuestRole extends Party implements Role {
  protected readonly role = "guest";
  protected readonly line: Line;
  protected readonly keys: DataKeys;
  readonly #pump: Pump<Guest>;
  #knock: { name: string; note: string; tested: Tested | null } | null = null;
  #host: Uint8Array | null = null; // its connection id while it is online
  #proveAt = 0; // not earlier while media flows
  #proveLater = false;
  #session: Session | null = null;
  #rehearsedAt = -Infinity;
  #needsPassword: boolean;

  constructor(state: CallState) {
    super(state);
    const { link, rekeyMs } = state.options;
    this.#needsPassword = link.hasPassword && !this.password;
    const resume = this.found?.resume[0];
    const machine = new Guest({
      link,
      caps: capabilities(link),
      ...(this.password && { password: this.password }),
      ...(resume && { resume }),
      ...(rekeyMs !== undefined && { rekeyMs }),
    });
    this.#pump = new Pump(machine, (e) => this.handle(e));
    this.keys = dataKeys("guest", this.#pump);
    this.line = new Line({
      callId: this.callId,
      // The server may not have noticed yet that our old connection is gone.
      retry: (code) => this.conversation !== null && (code === "E_BUSY" || code === "E_LOCKED"),
    });
    this.line.on("joined", ({ cid, stun }) => {
      if (!this.conversation) this.prepare(stun.length > 0 ? [{ urls: [...stun] }] : []);
      this.#pump.run((m, now) => m.connected(cid, now));
    });
    this.line.on("message", (m) => this.#receive(m));
    this.line.on("frame", ({ frame }) => this.#pump.run((m, now) => m.receive(frame, now)));
    this.line.on("down", () => this.down());
    this.line.on("unreachable", () => this.unreachable());
    this.line.on("final", (code) => this.lastWord({ reason: this.#reasonFor(code), code }));
  }

  start(): void {
    if (this.#needsPassword) this.state.move("password-needed");
    this.line.start();
  }

  override knock(name: string, note: string, tested: Tested | null): void {
    this.#knock = { name, note, tested };
    if (this.state.view.phase === "ready") this.#sendKnock();
  }

  override async setPassword(password: string): Promise<void> {
    const stretched = await stretchPassword(this.state.options.link, password);
    if (this.scope.closed) return;
    this.password = stretched;
    this.#needsPassword = false;
    this.state.move("host-here", { error: null });
    if (!this.#host) this.state.move("host-away");
    this.#pump.run((m, now) => m.setPassword(stretched, now));
  }

  override verify(verdict: Verdict): void {
    this.#pump.run((m) => m.verified(verdict === "match"));
    super.verify(verdict);
  }

  protected renewKeys(): void {
    this.#pump.run((m, now) => m.rekey(now));
  }

  hangup(): void {
    if (this.conversation) this.conversation.leave("hangup");
    else {
      this.whisper({ t: "bye", reason: "hangup" });
      this.finish("hangup");
    }
  }

  override close(): void {
    super.close();
    this.#pump.close();
  }

  setName(): void {}

  protected whisper(json: SealedJSON): void {
    try {
      this.#pump.run((m, now) => m.send(json, now));
    } catch (error) {
      if (codeOf(error) !== "E_STATE") throw error; // not connected just now: it has no receiver
    }
  }

  protected handle(effect: Effect): void {
    switch (effect.kind) {
      case "send-frame":
        return this.line.sendFrame(0, effect.frame);
      case "ready":
        return this.#ready(effect.session, effect.resumed);
      case "say":
        return this.say(effect.json);
      case "epoch":
        return this.epoch(effect.session, effect.sending);
      case "message":
        return this.#message(effect.json);
      case "failed":
        return this.#failed(effect.code);
      case "wrong-password":
        return this.#wrongPassword(effect.failures, effect.locked);
      case "resume":
        return this.remember(effect.resume);
      case "budget":
        return;
    }
  }

  protected onOver({ reason, mine, code }: Over): void {
    this.finish(endReason({ reason, mine }), code);
  }

  #receive(message: ServerMessage): void {
    switch (message.type) {
      case "host":
        this.reachable();
        return message.online && message.cid ? this.#hostHere(fromBase64Url(message.cid)) : this.#hostAway();
      case "ice":
        return this.useServers(message.ice.servers);
      case "ended":
        return this.lastWord({ reason: "expired", code: "E_GONE" });
    }
  }

  #hostHere(cid: Uint8Array): void {
    this.#host = cid;
    this.state.set({ peerAway: false });
    this.#prove();
    if (!this.#needsPassword) this.state.move("host-here");
  }

  /** Begins the handshake, unless it runs or is done. */
  #prove(): void {
    const host = this.#host;
    const early = this.state.view.phase === "live" ? this.#proveAt - performance.now() : 0;
    if (early > 0) {
      if (!this.#proveLater) this.scope.timeout(() => ((this.#proveLater = false), this.#prove()), early);
      this.#proveLater = true;
    } else if (host) {
      this.#proveAt = performance.now() + TRY_AGAIN_MS;
      const known = this.conversation && this.password; // the machine forgets one that is said to be wrong
      if (known) this.#pump.run((m, now) => m.setPassword(known, now));
      this.#pump.run((m, now) => m.hostOnline(host, now));
    }
  }

  #hostAway(): void {
    this.#host = null;
    this.stopRehearsal();
    this.state.set({ peerAway: true });
    this.#pump.run((m, now) => m.hostOffline(now));
    this.state.move("host-away");
  }

  protected down(): void {
    this.conversation?.suspect();
    this.stopRehearsal();
    this.#host = null;
    this.#pump.run((m, now) => m.disconnected(now));
    this.state.move("line-lost");
  }

  #ready(session: Session, resumed: boolean): void {
    this.#session = session;
    this.proven(session);
    if (resumed) return this.#resumed(session);
    if (this.conversation) {
      // The host has lost its memory of us; our conversation with it is void.
      this.conversation.close();
      this.conversation = null;
      this.state.move("forgotten", { remote: null, verifiedMine: null, verifiedTheirs: null, liveSince: null });
    } else this.state.move("ready", { error: null });
    if (this.#knock) this.#sendKnock();
  }

  #resumed(session: Session): void {
    if (this.conversation) return this.conversation.resumed();
    if (session.policy.relay === 2) this.setRelayOnly(true);
    const conversation = this.converse(session, this.found?.peerName ?? "", this.found?.limitMs ?? null);
    this.state.set({ hostName: this.found?.peerName ?? "", title: this.found?.title ?? "" });
    conversation.begin();
    conversation.askForOffer();
  }

  #sendKnock(): void {
    const { name, note, tested } = this.#knock ?? { name: "", note: "", tested: null };
    this.whisper({ t: "knock", name, note, lang: this.state.options.lang, ...(tested && { tested }) });
    this.state.move("knocked");
  }

  #message(json: SealedJSON): void {
    const message = decodeSealed(json);
    switch (message?.t) {
      case "hello":
        return this.state.set({ hostName: message.name ?? "", title: message.title ?? "" });
      case "admit":
        return this.#admitted(message.policy);
      case "hold":
        this.state.move("held", { holdMessage: message.msg ?? "" });
        return;
      case "deny":
        return this.finish("refused", "E_DENIED", message.reason ?? "");
      case "rehearse":
        if (!this.conversation) return this.#rehearse(message);
        break;
      case "bye":
        if (!this.conversation) return this.finish(endReason({ reason: message.reason, mine: false }));
    }
    this.conversation?.receive(json);
  }

  /** The host opens the path. It may begin anew, as often as that takes a while. */
  #rehearse(message: Rehearse): void {
    if (this.rehearsesAnew(message)) this.stopRehearsal();
    if (message.sdp && performance.now() - this.#rehearsedAt > REHEARSE_MS) {
      this.#rehearsedAt = performance.now();
      this.rehearse((answer) => this.whisper({ ...answer }));
    }
    this.rehearsed(message);
  }

  #admitted(policy: Policy): void {
    if (!this.#session || this.conversation) return;
    if (policy.relay === 2) this.setRelayOnly(true);
    this.converse(this.#session, this.state.view.hostName, policy.limit_ms ?? null).begin();
  }

  #failed(code: Code): void {
    switch (setback(code, this.state.view.phase, this.conversation !== null)) {
      case "again":
        if (!this.conversation) this.state.set({ error: { code, fatal: false } });
        this.scope.timeout(() => this.#prove(), TRY_AGAIN_MS);
        return;
      case "password":
        this.#needsPassword = true;
        this.state.move("password-needed");
        return;
      case "over":
        this.finish(this.#reasonFor(code), code);
    }
  }

  #wrongPassword(failures: number, locked: boolean): void {
    if (this.conversation) return this.#failed("E_CONFIRM"); // it was right before: this is about the handshake
    this.#needsPassword = true;
    this.password = null;
    if (locked) return this.finish("refused", "E_LOCKED");
    const attemptsLeft = Math.max(0, GUESSES - failures);
    this.state.move("password-needed", { attemptsLeft, error: { code: "E_CONFIRM", fatal: false } });
  }

  #reasonFor(code: Code): EndReason {
    if (code === "E_GONE") return "expired";
    if (code === "E_DENIED" && this.conversation) return "removed";
    return isRefusal(code) ? "refused" : "error";
  }
}
