import { LineKindScreen, LineKindScreenSound, type Line } from "../protocol/sealed.gen.ts";
import { preferCodecs } from "./codecs.ts";
import type { ScreenMode } from "./types.ts";
import { isDOMException } from "./realm.ts";

export interface ScreenTracks {
  readonly screen: MediaStreamTrack | null;
  readonly sound: MediaStreamTrack | null;
  readonly mode: ScreenMode;
}

type ScreenKind = typeof LineKindScreen | typeof LineKindScreenSound;

/**
 * What the encoder may spend. Text keeps every pixel and lets the frame rate fall: 12-px letters survive 1 Mbit/s.
 * Motion keeps its rate and lets the size fall. Bits and frames per second.
 */
const encodings = {
  text: { maxBitrate: 2_500_000, maxFramerate: 15, degradation: "maintain-resolution" },
  motion: { maxBitrate: 4_000_000, maxFramerate: 30, degradation: "maintain-framerate" },
} as const;

/** Stereo music in Opus needs no more (RFC 7587 §3.1.1). */
const SOUND_BPS = 128_000;

/**
 * The m-lines that carry this side's screen: added when something is shared first, named to the other side in each
 * description, and kept for the next time with nothing on them. One-way like all others; `added` is told of each new
 * sender before anything can flow, which is the moment to attach frame encryption.
 */
export class ScreenLines {
  readonly #pc: RTCPeerConnection;
  readonly #added: (sender: RTCRtpSender, kind: ScreenKind) => void;
  readonly #stream = new MediaStream(); // one for both, so that lips and sound stay together
  readonly #transceivers = new Map<ScreenKind, RTCRtpTransceiver>();
  #tracks: ScreenTracks | null = null;
  #settled = false;
  #mode: ScreenMode = "text";

  constructor(pc: RTCPeerConnection, added: (sender: RTCRtpSender, kind: ScreenKind) => void = () => undefined) {
    this.#pc = pc;
    this.#added = added;
  }

  /** For descriptions that leave: which m-line carries what. */
  get lines(): Line[] {
    const lines: Line[] = [];
    for (const [kind, { mid }] of this.#transceivers) if (mid !== null) lines.push({ mid, kind });
    return lines;
  }

  /** The first offer and answer are exchanged: from here on lines may be added. */
  settle(): void {
    if (this.#settled) return;
    this.#settled = true;
    this.set(this.#tracks);
  }

  set(tracks: ScreenTracks | null): void {
    this.#tracks = tracks;
    if (!this.#settled) return;
    const { screen = null, sound = null, mode = this.#mode } = tracks ?? {};
    const retuned = mode !== this.#mode;
    this.#mode = mode;
    void this.#put(LineKindScreen, screen, retuned);
    void this.#put(LineKindScreenSound, sound, false);
  }

  async #put(kind: ScreenKind, track: MediaStreamTrack | null, retuned: boolean): Promise<void> {
    const sender = this.#transceivers.get(kind)?.sender;
    try {
      if (!sender) {
        if (track) this.#add(kind, track);
        return;
      }
      if (sender.track !== track) await sender.replaceTrack(track);
      else if (!retuned) return;
      if (kind === LineKindScreen && track) await tune(sender, this.#mode);
    } catch (error) {
      // Closed meanwhile.
      if (!isDOMException(error)) throw error;
    }
  }

  #add(kind: ScreenKind, track: MediaStreamTrack): void {
    const { maxBitrate, maxFramerate } = encodings[this.#mode];
    const sendEncodings = kind === LineKindScreen ? [{ maxBitrate, maxFramerate }] : [{ maxBitrate: SOUND_BPS }];
    const streams = [this.#stream];
    const line = this.#pc.addTransceiver(track, { direction: "sendonly", streams, sendEncodings });
    this.#transceivers.set(kind, line);
    this.#added(line.sender, kind);
    if (kind !== LineKindScreen) return;
    preferCodecs(line);
    void tune(line.sender, this.#mode);
  }
}

/** Resolves also where the browser refuses: then its own rules hold. */
async function tune(sender: RTCRtpSender, mode: ScreenMode): Promise<void> {
  const { maxBitrate, maxFramerate, degradation } = encodings[mode];
  try {
    const parameters = sender.getParameters();
    Object.assign(parameters, { degradationPreference: degradation }); // webrtc-extensions; not in every browser's types
    for (const encoding of parameters.encodings) Object.assign(encoding, { maxBitrate, maxFramerate });
    await sender.setParameters(parameters);
  } catch (error) {
    if (!isDOMException(error)) throw error;
  }
}
