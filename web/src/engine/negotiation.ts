import type { Server } from "../protocol/messages.gen.ts";
import type { Candidate, CandidatesEnd, Line, SDP } from "../protocol/sealed.gen.ts";
import { allowsCandidate, isThisMachine, withAllowedCandidates } from "./candidate.ts";
import { codeOf, type Code } from "./e2ee/errors.ts";
import { withSoundAgain, withStartBitrate, withStereo } from "./codecs.ts";
import { liesAt, otherCandidates, relayAddresses, relayedCandidate, relayedDescription } from "./discretion.ts";
import { Early } from "./early.ts";
import { Emitter } from "./emitter.ts";
import { freshConnection } from "./freshview.ts";
import { lineKind } from "./linekind.ts";
import { MediaLines, type LocalTracks } from "./mlines.ts";
import { Numbering } from "./numbering.ts";
import { Scope } from "./scope.ts";
import { FrameGuard } from "./sframe/guard.ts";
import type { FrameLayer } from "./sframe/layer.ts";
import { checkSdp, ownFingerprint, type Fingerprint } from "./sdp.ts";
import { Withheld } from "./withheld.ts";
import { isDOMException } from "./realm.ts";

export type Description = SDP | Candidate | CandidatesEnd;

interface NegotiationEvents {
  send: Description;
  /** The channel `ctl`, once it exists. */
  channel: RTCDataChannel;
  /** ICE and DTLS: up, lost (may come back), or failed (will not without a restart). */
  state: "connected" | "lost" | "failed";
  /** The other side broke the rules. */
  violated: Code;
  /** Offer and answer are exchanged: from here on the browser connects by itself. */
  negotiated: undefined;
  /** The other side has offered, and it counts; `restart`: with other ICE credentials. */
  offered: { restart: boolean };
}

export interface NegotiationConfig {
  readonly role: "host" | "guest";
  readonly gen: number;
  readonly servers: readonly Server[];
  readonly relayOnly: boolean;
  readonly origin: string; // of the server
  readonly tracks: LocalTracks;
  readonly frames: FrameLayer | null;
  /** Made in the middle of a call whose network may just have changed. */
  readonly fresh?: boolean;
  /** Exchanges everything, and tries nothing before {@link Negotiation.wake}. */
  readonly asleep?: boolean;
}

/**
 * One RTCPeerConnection and its perfect negotiation (W3C webrtc-pc §10.7): the
 * host is impolite, the guest polite. It is made, and a host's offer with its
 * candidates is ready, before anybody is admitted; nothing leaves before
 * {@link release}.
 */
export class Negotiation extends Emitter<NegotiationEvents> {
  readonly gen: number;
  readonly pc: RTCPeerConnection;
  readonly guard: FrameGuard;
  readonly #config: NegotiationConfig;
  readonly #scope = new Scope();
  readonly #lines: MediaLines;
  #servers: readonly Server[];
  #relayOnly: boolean;
  #channel: RTCDataChannel | null = null;
  #early: Early | null = null;
  #operations: Promise<void> = Promise.resolve();
  #released = false;
  #discreet = false; // before admission: nothing but the relay's address is said, or sent to
  #theirGen: number | null = null;
  #negotiated = false; // a first offer/answer round is complete
  #remoteFp: Fingerprint | null = null;
  #remoteLines: readonly Line[] = [];
  readonly #numbering: Numbering;
  #withheld: Withheld | null; // null: awake
  readonly #local: boolean; // everything is on this machine

  /** The certificate is made for this connection and used for no other (RFC 8844). */
  static async create(config: NegotiationConfig): Promise<Negotiation> {
    const algorithm = { name: "ECDSA", namedCurve: "P-256" };
    return new Negotiation(config, await RTCPeerConnection.generateCertificate(algorithm));
  }

  constructor(config: NegotiationConfig, certificate: RTCCertificate) {
    super();
    this.#config = config;
    this.gen = config.gen;
    this.#numbering = new Numbering(config.gen);
    this.#withheld = config.asleep ? new Withheld() : null;
    this.#servers = config.servers;
    this.#relayOnly = config.relayOnly;
    this.#local = isThisMachine(new URL(config.origin).hostname);
    const configuration: RTCConfiguration = {
      iceServers: config.servers.map((s) => ({ ...s })),
      iceTransportPolicy: config.relayOnly ? "relay" : "all",
      bundlePolicy: "max-bundle",
      certificates: [certificate],
    };
    this.pc = config.fresh ? freshConnection(configuration, this.#scope) : new RTCPeerConnection(configuration);
    this.#scope.listen(this.pc, "icecandidate", (e) => this.#onCandidate((e as RTCPeerConnectionIceEvent).candidate));
    this.#scope.listen(this.pc, "track", (e) => this.#onTrack(e as RTCTrackEvent));
    this.#scope.listen(this.pc, "connectionstatechange", () => this.#onState());
    this.#scope.listen(this.pc, "negotiationneeded", () => this.#onNegotiationNeeded());
    this.guard = new FrameGuard(this.pc, config.frames);
    this.#scope.add(() => (this.guard.close(), this.pc.close()));
    this.#lines = new MediaLines(this.pc, config.tracks, this.guard);
    if (config.role === "host") {
      this.#lines.offer();
      this.#openChannel();
    }
  }

  get channel(): RTCDataChannel | null {
    return this.#channel;
  }

  /** What has come by the channel already, for its reader. */
  takeEarly(): readonly unknown[] {
    return this.#early?.take() ?? [];
  }

  get remoteFp(): Fingerprint | null {
    return this.#remoteFp;
  }

  get ownFp(): Fingerprint | null {
    const sdp = this.pc.localDescription?.sdp;
    return sdp ? ownFingerprint(sdp) : null;
  }

  /** It may be connected, or become so again. */
  get alive(): boolean {
    return !this.#scope.closed && this.pc.connectionState !== "closed";
  }

  get connected(): boolean {
    return this.pc.connectionState === "connected";
  }

  /** Offer and answer are exchanged. */
  get negotiated(): boolean {
    return this.#negotiated;
  }

  /** Of the other side's connection, null before it has said anything. */
  get theirGen(): number | null {
    return this.#theirGen;
  }

  /** Before admission: connects, over the relay only and without media, and neither side learns where the other is. */
  rehearse(): void {
    if (this.#released || this.#discreet) return;
    this.#discreet = true;
    this.#withheld ??= new Withheld();
    const silent = this.#lines.silence();
    this.#do(async () => {
      await silent;
      this.#sendDescription();
    });
  }

  /** The host's admission: from here on descriptions and candidates may leave. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    if (this.#discreet) return this.#sayAll();
    // In the same tick if the offer lies ready: drawing the page would come first otherwise. If it does not, it leaves
    // as soon as it is made.
    this.#sendDescription();
  }

  /** Relay credentials, or another policy. Takes effect with the next gathering. */
  configure(servers: readonly Server[], relayOnly: boolean): void {
    if (this.#scope.closed || (servers === this.#servers && relayOnly === this.#relayOnly)) return;
    this.#servers = servers;
    this.#relayOnly = relayOnly;
    this.pc.setConfiguration({
      ...this.pc.getConfiguration(),
      iceServers: servers.map((s) => ({ ...s })),
      iceTransportPolicy: relayOnly ? "relay" : "all",
    });
  }

  /** Offers new ICE credentials and candidates of all interfaces; media keeps flowing if it can. */
  restart(): void {
    if (!this.#negotiated) return;
    this.#do(async () => {
      // restartIce() would wait for the answer to an offer that may have been lost.
      await this.#describe({ iceRestart: true });
      this.#sendDescription();
    });
  }

  /** From here on it tries to connect. */
  wake(): void {
    this.#do(async () => {
      const held = this.#withheld?.candidates ?? [];
      this.#withheld = null;
      for (const candidate of held) await this.#add(candidate);
    });
  }

  /** After a rehearsal: where else we are. The offer again, for who knows no rehearsals. */
  #sayAll(): void {
    this.#discreet = false;
    this.wake();
    this.repeat();
    const { gen, pc } = this;
    const n = this.#numbering.sent;
    for (const candidate of otherCandidates(pc.localDescription?.sdp ?? ""))
      this.emit("send", { t: "ice", gen, ...candidate, n });
    if (pc.iceGatheringState === "complete") this.emit("send", { t: "ice-end", gen, n });
  }

  setTracks(tracks: LocalTracks): void {
    this.#lines.setTracks(tracks);
  }

  /** Takes a description or candidate from the other party; in order, one at a time. */
  receive(message: Description): void {
    this.#do(async () => {
      if (message.t === "sdp") await this.#receiveSdp(message);
      else await this.#receiveCandidate(message);
    });
  }

  close(): void {
    this.#scope.close();
  }

  /** Chains an operation after the ones before it (W3C webrtc-pc §4.4.1.1 has the same rule inside). */
  #do(operation: () => Promise<void> | void): void {
    this.#operations = this.#operations.then(async () => {
      if (this.#scope.closed) return;
      try {
        await operation();
      } catch (error) {
        // The browser rejects what it cannot use with a DOMException: to us that is a bad description.
        const code = codeOf(error);
        if (!this.#scope.closed) this.emit("violated", code === "E_INTERNAL" ? "E_SDP" : code);
      }
    });
  }

  #answer(): void {
    this.#lines.answer();
    this.#openChannel();
  }

  #openChannel(): void {
    this.#channel = this.pc.createDataChannel("ctl", { negotiated: true, id: 0, ordered: true });
    this.#channel.binaryType = "arraybuffer";
    this.#early = new Early(this.#channel, this.#scope);
    this.emit("channel", this.#channel);
  }

  #onNegotiationNeeded(): void {
    if (this.#config.role === "guest" && !this.#negotiated) return; // a guest never makes the first offer
    this.#do(async () => {
      if (this.pc.signalingState !== "stable") return; // fires again when stable
      await this.#describe();
      this.#sendDescription();
    });
  }

  /** Makes the offer or answer that is due. */
  async #describe(options: RTCOfferOptions = {}): Promise<void> {
    const offered = this.pc.signalingState === "have-remote-offer";
    const { type, sdp = "" } = await (offered ? this.pc.createAnswer() : this.pc.createOffer(options));
    await this.pc.setLocalDescription({ type, sdp: withStereo(sdp) });
  }

  /** Says the last offer once more, with the candidates that have been found since. Who has it already ignores it. */
  repeat(): void {
    if (this.pc.signalingState === "have-local-offer") this.#sendDescription({ n: this.#numbering.sent });
  }

  #sendDescription(number?: { n: number }): void {
    const description = this.pc.localDescription;
    if (
      !(this.#released || this.#discreet) ||
      !description ||
      description.type === "rollback" ||
      description.type === "pranswer"
    )
      return;
    const { type } = description;
    const sdp = this.#discreet ? relayedDescription(description.sdp) : description.sdp;
    const { lines } = this.#lines.screen;
    const named = { ...(lines.length > 0 && { lines }), ...(number ?? this.#numbering.stamp(type)) };
    this.emit("send", { t: "sdp", type, gen: this.gen, sdp, fp: ownFingerprint(sdp), ...named });
  }

  async #receiveSdp(message: SDP): Promise<void> {
    if (message.type === "rollback") return;
    checkSdp(message.sdp, message.fp);
    if (this.#remoteFp !== null && this.#remoteFp !== message.fp)
      throw new DOMException("another certificate", "OperationError");
    const polite = this.#config.role === "guest";
    if (message.type === "offer" && !polite && !this.#negotiated) return; // meant for an earlier connection of ours
    if (!this.#numbering.takes(message, this.pc.signalingState, polite)) return;
    const restart = iceUfrag(this.pc.remoteDescription?.sdp) !== iceUfrag(message.sdp);
    this.#remoteFp = message.fp;
    this.#theirGen = message.gen;
    this.#remoteLines = message.lines ?? [];
    const sdp = withSoundAgain(withStartBitrate(withAllowedCandidates(message.sdp, this.#local)));
    await this.pc.setRemoteDescription({ type: message.type, sdp: this.#withheld?.strip(sdp) ?? sdp });
    if (message.type === "offer") {
      if (!this.#negotiated) this.#answer();
      await this.#describe();
      this.#sendDescription();
    }
    this.#negotiated = true;
    this.#lines.screen.settle();
    this.emit("negotiated", undefined);
    if (message.type === "offer") this.emit("offered", { restart });
    await this.#addRelayed();
    for (const early of this.#numbering.due()) await this.#receiveCandidate(early);
  }

  async #receiveCandidate(message: Candidate | CandidatesEnd): Promise<void> {
    if (!this.#numbering.admits(message)) return;
    if (message.t === "ice-end") await this.#add(undefined);
    else if (allowsCandidate(message.cand, this.#local))
      await this.#add({ candidate: message.cand, sdpMid: message.mid });
  }

  /** Undefined: there are no more. */
  async #add(candidate: RTCIceCandidateInit | undefined): Promise<void> {
    if (this.#withheld) {
      this.#withheld.keep(candidate);
      return this.#addRelayed();
    }
    await this.#tell(candidate);
  }

  /** During a rehearsal: the browser is told what lies at the relay that we use ourselves. */
  async #addRelayed(): Promise<void> {
    if (!this.#discreet) return;
    const ours = relayAddresses(this.pc.localDescription?.sdp ?? "");
    for (const candidate of this.#withheld?.take((c) => liesAt(c, ours)) ?? []) await this.#tell(candidate);
  }

  async #tell(candidate: RTCIceCandidateInit | undefined): Promise<void> {
    try {
      await this.pc.addIceCandidate(candidate);
    } catch (error) {
      // Of a form this browser does not know: ICE goes on with the others.
      if (!isDOMException(error)) throw error;
    }
  }

  #onCandidate(candidate: RTCIceCandidate | null): void {
    // Before release they gather in localDescription, and leave inside the offer.
    if (this.#discreet) return this.#onRelayed(candidate);
    if (!this.#released) return;
    const { gen } = this;
    const n = this.#numbering.sent;
    if (!candidate) this.emit("send", { t: "ice-end", gen, n });
    else if (candidate.candidate !== "") {
      this.emit("send", { t: "ice", gen, mid: candidate.sdpMid ?? "0", cand: candidate.candidate, n });
    }
  }

  #onRelayed(candidate: RTCIceCandidate | null): void {
    const cand = candidate && relayedCandidate(candidate.candidate);
    if (!candidate || !cand) return;
    this.emit("send", { t: "ice", gen: this.gen, mid: candidate.sdpMid ?? "0", cand, n: this.#numbering.sent });
    this.#do(() => this.#addRelayed()); // now we know where the relay is
  }

  #onTrack(event: RTCTrackEvent): void {
    const { track, transceiver } = event;
    const sender = this.#config.role === "host" ? "guest" : "host";
    const kind = lineKind(sender, this.#remoteLines, transceiver.mid, track.kind);
    if (kind !== null) this.guard.receive(event, kind);
  }

  #onState(): void {
    const state = this.pc.connectionState;
    if (state === "connected") this.emit("state", "connected");
    else if (state === "disconnected") this.emit("state", "lost");
    else if (state === "failed" || state === "closed") this.emit("state", "failed");
  }
}

function iceUfrag(sdp: string | undefined): string | undefined {
  return /^a=ice-ufrag:(\S+)/m.exec(sdp ?? "")?.[1];
}
