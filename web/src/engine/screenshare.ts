import { Emitter } from "./emitter.ts";
import type { ScreenMode, ScreenProblem } from "./types.ts";

/** Picker hints beyond the standard's first edition; browsers ignore those they do not know. */
interface DisplayOptions extends DisplayMediaStreamOptions {
  systemAudio?: "include" | "exclude";
  selfBrowserSurface?: "include" | "exclude";
  surfaceSwitching?: "include" | "exclude";
  monitorTypeSurfaces?: "include" | "exclude";
}

interface SoundConstraints extends MediaTrackConstraints {
  suppressLocalAudioPlayback?: boolean;
  restrictOwnAudio?: boolean;
}

/**
 * The sound as it is: everything that cleans a voice would take the music away. Who shares a film hears it too, so it is
 * not silenced here; the microphone's echo canceller removes it from the voice. What this page itself plays is the other
 * person, who must not come back to themselves.
 */
const sound: SoundConstraints = {
  echoCancellation: false,
  noiseSuppression: false,
  autoGainControl: false,
  suppressLocalAudioPlayback: false,
  restrictOwnAudio: true,
};

/** Text: every pixel of a 4K screen, but no film's speed. Motion: full HD is what one encoder does at 30 frames. */
const pictures: Readonly<Record<ScreenMode, MediaTrackConstraints>> = {
  text: { width: { max: 3840 }, height: { max: 2160 }, frameRate: { max: 15 } },
  motion: { width: { max: 1920 }, height: { max: 1080 }, frameRate: { max: 30 } },
};

interface ShareEvents {
  /** On, off, another mode. */
  change: undefined;
  /** Ended by the browser's own bar, or because what was shown has closed. */
  ended: undefined;
}

/** What this person shows of their own screen: at most one screen, window or tab, with its sound if there is one. */
export class ScreenShare extends Emitter<ShareEvents> {
  #stream: MediaStream | null = null;
  #mode: ScreenMode = "text";
  #asking = false;

  /** Browsers of phones cannot capture the screen. */
  static get supported(): boolean {
    return typeof navigator.mediaDevices?.getDisplayMedia === "function";
  }

  get supported(): boolean {
    return ScreenShare.supported;
  }

  get sharing(): boolean {
    return this.#stream !== null;
  }

  get mode(): ScreenMode {
    return this.#mode;
  }

  /** The browser's picker is open. */
  get asking(): boolean {
    return this.#asking;
  }

  get tracks(): { screen: MediaStreamTrack | null; sound: MediaStreamTrack | null } {
    const [screen = null] = this.#stream?.getVideoTracks() ?? [];
    const [sound = null] = this.#stream?.getAudioTracks() ?? [];
    return { screen, sound };
  }

  /** What is shown, where the browser tells. */
  get surface(): "monitor" | "window" | "browser" | "" {
    return (this.tracks.screen?.getSettings().displaySurface as "monitor" | "window" | "browser" | undefined) ?? "";
  }

  /** Opens the browser's picker; needs a person's click. Null when the share has begun. */
  async start(mode: ScreenMode, withSound: boolean): Promise<ScreenProblem | null> {
    if (!this.supported) return "unsupported";
    if (this.#asking) return "canceled";
    this.#asking = true;
    this.emit("change", undefined);
    const options: DisplayOptions = {
      video: pictures[mode],
      audio: withSound ? sound : false,
      systemAudio: withSound ? "include" : "exclude",
      selfBrowserSurface: "exclude", // a tab that shows itself is a hall of mirrors
      surfaceSwitching: "include",
      monitorTypeSurfaces: "include",
    };
    try {
      const stream = await navigator.mediaDevices.getDisplayMedia(options);
      this.stop();
      this.#use(stream, mode);
      return null;
    } catch (error) {
      return problemOf(error);
    } finally {
      this.#asking = false;
      this.emit("change", undefined);
    }
  }

  /** Sharp text or fluent motion, while it goes on. */
  async setMode(mode: ScreenMode): Promise<void> {
    const { screen } = this.tracks;
    if (!screen || mode === this.#mode) return;
    this.#mode = mode;
    screen.contentHint = mode === "text" ? "text" : "motion";
    this.emit("change", undefined);
    try {
      await screen.applyConstraints(pictures[mode]);
    } catch (error) {
      if (!(error instanceof DOMException) && !(error instanceof Error)) throw error;
      // This source cannot do it: hint and encoder settings remain.
    }
  }

  stop(): void {
    const stream = this.#stream;
    if (!stream) return;
    this.#stream = null;
    for (const track of stream.getTracks()) track.stop();
    this.emit("change", undefined);
  }

  #use(stream: MediaStream, mode: ScreenMode): void {
    const [screen] = stream.getVideoTracks();
    const [sound] = stream.getAudioTracks();
    if (!screen) return;
    this.#stream = stream;
    this.#mode = mode;
    screen.contentHint = mode === "text" ? "text" : "motion";
    if (sound) sound.contentHint = "music";
    screen.addEventListener("ended", () => {
      if (this.#stream !== stream) return; // stopped by us
      this.stop();
      this.emit("ended", undefined);
    });
  }
}

function problemOf(error: unknown): ScreenProblem {
  if (!(error instanceof DOMException)) return "failed";
  // Canceled and forbidden by the site are the same error; a system's refusal says so in its text (Chromium).
  if (error.name === "NotAllowedError") return /by system/i.test(error.message) ? "os-blocked" : "canceled";
  return error.name === "AbortError" || error.name === "InvalidStateError" ? "canceled" : "failed";
}
