import { Emitter } from "../emitter.ts";
import type { RemoteTrack } from "../remote.ts";
import { Scope } from "../scope.ts";
import type { FrameLayer } from "./layer.ts";
import type { FrameKind } from "./profile.ts";
import { browserFrames } from "./rtpstats.ts";
import { Watchdog } from "./watchdog.ts";

interface GuardEvents {
  /** Its frames are the other party's own, or nobody has to prove that. */
  track: RemoteTrack;
  /** Not to be shown any more. */
  untrack: MediaStreamTrack;
  /** Frames have gone past the encryption, or were not what they have to be. */
  failed: "send" | "receive";
  /** The other side uses keys that have not come here. */
  needsKeys: undefined;
}

interface Guarded {
  id: number;
  readonly end: RTCRtpSender | RTCRtpReceiver;
  readonly direction: "send" | "receive";
  readonly kind: FrameKind;
  shown: boolean;
  failed: boolean;
  watchdog: Watchdog;
}

/**
 * Puts the frame encryption into one peer connection, and watches that it is really used. A received track is handed out
 * only once a frame of it has authenticated, and taken back when that stops being so.
 */
export class FrameGuard extends Emitter<GuardEvents> {
  readonly #pc: RTCPeerConnection;
  readonly #layer: FrameLayer | null;
  readonly #scope = new Scope();
  #streams: Guarded[] = [];
  #arrived: RemoteTrack[] = [];

  constructor(pc: RTCPeerConnection, layer: FrameLayer | null) {
    super();
    this.#pc = pc;
    this.#layer = layer;
    if (!layer) return;
    this.#scope.add(layer.on("restarted", () => this.#renew()));
    this.#scope.listen(pc, "signalingstatechange", () => this.#tellVp8());
  }

  /** A track is handed out because a frame of it has authenticated, not because there is nothing to authenticate. */
  get proves(): boolean {
    return this.#layer !== null && !this.#layer.off;
  }

  /** Something has been received and authenticated. */
  get verified(): boolean {
    return this.#streams.some((s) => s.shown && s.direction === "receive");
  }

  /** Call it as soon as the sender exists: a frame that is encoded before would leave in clear. */
  send(sender: RTCRtpSender, kind: FrameKind): void {
    if (this.#layer) this.#protect(sender, "send", kind);
  }

  /** For a receiver that exists before there is an answer: Chromium skips a transform that is set only then. */
  expect(receiver: RTCRtpReceiver, kind: FrameKind): void {
    if (this.#layer) this.#protect(receiver, "receive", kind);
  }

  /** Call it while the `track` event is handled, for the same reason. */
  receive({ receiver, track }: RTCTrackEvent, kind: FrameKind): void {
    this.#arrived.push({ track, kind });
    if (!this.#layer || this.#layer.off) this.emit("track", { track, kind });
    else this.#protect(receiver, "receive", kind);
  }

  /** Hands out what came while nobody listened, before it was known whether anything has to be proven. */
  settle(): void {
    if (this.proves) return;
    for (const remote of this.#arrived) this.emit("track", remote);
  }

  /** Compares what the worker has counted with what the browser has. */
  async look(): Promise<void> {
    if (!this.#layer || this.#layer.off || this.#pc.connectionState !== "connected") return;
    const report = await this.#pc.getStats();
    const counts = await this.#layer.counts();
    if (!counts || this.#scope.closed) return;
    const at = performance.now();
    for (const stream of this.#streams) {
      const counted = counts.get(stream.id);
      if (stream.failed || !counted) continue;
      const verdict = stream.watchdog.judge({ at, browser: browserFrames(report, this.#mid(stream)), counts: counted });
      if (verdict === "failed") this.#fail(stream);
      else if (verdict === "needs-keys") this.emit("needsKeys", undefined);
    }
  }

  close(): void {
    this.#scope.close();
    for (const { id } of this.#streams) this.#layer?.forget(id);
    this.#streams = [];
  }

  #protect(end: RTCRtpSender | RTCRtpReceiver, direction: "send" | "receive", kind: FrameKind): void {
    if (this.#streams.some((s) => s.end === end)) return;
    const stream: Guarded = {
      id: -1,
      end,
      direction,
      kind,
      shown: false,
      failed: false,
      watchdog: new Watchdog(direction),
    };
    this.#streams.push(stream);
    this.#transform(stream);
  }

  #transform(stream: Guarded): void {
    const { direction, kind } = stream;
    this.#layer?.forget(stream.id);
    const verified = direction === "receive" ? () => this.#verified(stream) : undefined;
    const made = this.#layer?.transform({ direction, kind }, verified);
    if (!made) return;
    stream.id = made.id;
    stream.end.transform = made.transform;
  }

  #verified(stream: Guarded): void {
    if (this.#scope.closed || stream.failed || stream.shown) return;
    stream.shown = true;
    if (stream.end.track) this.emit("track", { track: stream.end.track, kind: stream.kind });
  }

  #hide(stream: Guarded): void {
    if (stream.shown && stream.end.track) this.emit("untrack", stream.end.track);
    stream.shown = false;
  }

  #fail(stream: Guarded): void {
    stream.failed = true;
    this.#hide(stream);
    this.emit("failed", stream.direction);
  }

  /** The worker has died: nothing is authenticated until there are keys again. */
  #renew(): void {
    for (const stream of this.#streams) {
      this.#hide(stream);
      stream.watchdog = new Watchdog(stream.direction);
      this.#transform(stream);
    }
    this.#tellVp8();
    this.emit("needsKeys", undefined);
  }

  #mid(stream: Guarded): string | null {
    const own = this.#pc.getTransceivers().find((t) => t.sender === stream.end || t.receiver === stream.end);
    return own?.mid ?? null;
  }

  /** Not all browsers say with each frame which codec it has. */
  #tellVp8(): void {
    const sdp = this.#pc.currentLocalDescription?.sdp ?? "";
    this.#layer?.tellVp8([...sdp.matchAll(/^a=rtpmap:(\d+) VP8\//gim)].map(([, payload]) => Number(payload)));
  }
}
