import { preferCodecs } from "./codecs.ts";
import { ScreenLines, type ScreenTracks } from "./screenlines.ts";
import type { FrameGuard } from "./sframe/guard.ts";
import { KIND_CAMERA, KIND_MICROPHONE } from "./sframe/profile.ts";
import { prime } from "./weather/senders.ts";
import { isDOMException } from "./realm.ts";

/** The m-lines of every call, in this order; see docs/protocol.md. Screens come after the data channel: ScreenLines. */
const MLINE_GUEST_MIC = 2;
const MLINE_GUEST_CAMERA = 3;

export interface LocalTracks {
  readonly mic: MediaStreamTrack | null;
  readonly camera: MediaStreamTrack | null;
  readonly screen?: ScreenTracks | null;
}

/**
 * What is sent and received over one RTCPeerConnection. The transceivers of
 * microphone and camera are there from the start and one-way; their tracks come
 * and go by replaceTrack, so nothing is negotiated again. Those of a screen are
 * added when there is one.
 *
 * One-way because Chromium skips encoded transforms on sendrecv transceivers
 * without a word and sends frames in clear. Frame encryption (SFrame) is attached
 * to senders as soon as they are there, and to receivers when the `track` event is
 * handled: nowhere else are they created, but for screens in {@link ScreenLines}.
 */
export class MediaLines {
  readonly screen: ScreenLines;
  readonly #pc: RTCPeerConnection;
  readonly #guard: FrameGuard;
  #blocked = false;
  #mic: RTCRtpSender | null = null;
  #camera: RTCRtpSender | null = null;
  #tracks: LocalTracks;

  constructor(pc: RTCPeerConnection, tracks: LocalTracks, guard: FrameGuard) {
    this.#pc = pc;
    this.#guard = guard;
    guard.on("failed", (direction) => direction === "send" && this.#block());
    this.#tracks = tracks;
    this.screen = new ScreenLines(pc, (sender, kind) => guard.send(sender, kind));
  }

  /** The host's m-lines. */
  offer(): void {
    // One stream for both, so that the receiver keeps lips and voice together.
    const streams = [new MediaStream()];
    const { mic, camera } = this.#tracks;
    const audio = this.#pc.addTransceiver(mic ?? "audio", { direction: "sendonly", streams });
    const video = this.#pc.addTransceiver(camera ?? "video", { direction: "sendonly", streams });
    this.#use(audio.sender, video.sender);
    const theirMic = this.#pc.addTransceiver("audio", { direction: "recvonly" });
    const theirCamera = this.#pc.addTransceiver("video", { direction: "recvonly" });
    this.#guard.expect(theirMic.receiver, KIND_MICROPHONE);
    this.#guard.expect(theirCamera.receiver, KIND_CAMERA);
    preferCodecs(audio, video, theirMic, theirCamera);
  }

  /** The guest's half: its microphone and camera go where the host offered to receive. */
  answer(): void {
    const stream = new MediaStream();
    const [hostMic, hostCamera, mic, camera] = this.#pc.getTransceivers();
    if (!hostMic || !hostCamera || mic?.mid !== String(MLINE_GUEST_MIC) || camera?.mid !== String(MLINE_GUEST_CAMERA)) {
      throw new DOMException("the offer has not the agreed m-lines", "OperationError");
    }
    for (const transceiver of [mic, camera]) {
      transceiver.direction = "sendonly";
      transceiver.sender.setStreams?.(stream);
    }
    preferCodecs(hostMic, hostCamera, mic, camera);
    this.#use(mic.sender, camera.sender);
    this.setTracks(this.#tracks);
  }

  /** Sends nothing until tracks are set again; resolves when nothing leaves any more. */
  async silence(): Promise<void> {
    this.#tracks = { mic: null, camera: null };
    await Promise.all([this.#replace(this.#mic, null), this.#replace(this.#camera, null)]);
  }

  #use(mic: RTCRtpSender, camera: RTCRtpSender): void {
    this.#mic = mic;
    this.#camera = camera;
    this.#guard.send(mic, KIND_MICROPHONE);
    this.#guard.send(camera, KIND_CAMERA);
    void prime(mic, camera);
  }

  setTracks(tracks: LocalTracks): void {
    this.#tracks = tracks;
    const screen = tracks.screen ?? null;
    void this.#replace(this.#mic, this.#blocked ? null : tracks.mic);
    void this.#replace(this.#camera, this.#blocked ? null : tracks.camera);
    this.screen.set(this.#blocked ? null : screen);
  }

  /** Sends nothing any more: frames have left without their encryption. */
  #block(): void {
    this.#blocked = true;
    this.setTracks(this.#tracks);
  }

  async #replace(sender: RTCRtpSender | null, track: MediaStreamTrack | null): Promise<void> {
    if (!sender || sender.track === track) return;
    try {
      await sender.replaceTrack(track);
    } catch (error) {
      // Closed meanwhile.
      if (!isDOMException(error)) throw error;
    }
  }
}
