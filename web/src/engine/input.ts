import { Emitter } from "./emitter.ts";
import type { Facing } from "./lens.ts";
import { mediaProblem } from "./problems.ts";
import { soundConstraints, type SoundChoice } from "./sound/choice.ts";
import type { MediaProblem } from "./types.ts";

/** What we ask of a camera: as good as one 1:1 picture needs; the encoder scales down when the network asks for it. */
const video: MediaTrackConstraints = {
  width: { ideal: 1280 },
  height: { ideal: 720 },
  frameRate: { ideal: 30, max: 30 },
};

export function cameraConstraints(deviceId?: string, facing?: Facing): MediaTrackConstraints {
  if (facing) return { ...video, facingMode: facing };
  return deviceId ? { ...video, deviceId: { exact: deviceId } } : video;
}

export function micConstraints(sound: SoundChoice, deviceId?: string): MediaTrackConstraints {
  const base = soundConstraints(sound);
  return deviceId ? { ...base, deviceId: { exact: deviceId } } : base;
}

interface InputEvents {
  /** Track, problem or device. */
  change: undefined;
  /** The device with this label went away under us. */
  lost: string;
}

/** One microphone or camera: the track in use and why there is none. */
export class Input extends Emitter<InputEvents> {
  readonly kind: "mic" | "camera";
  readonly #sound: () => SoundChoice;
  #track: MediaStreamTrack | null = null;
  #problem: MediaProblem | null = null;
  #turn = 0; // counts openings: a later one wins over an earlier that comes back late

  /** `sound` is asked whenever a microphone is opened. */
  constructor(kind: "mic" | "camera", sound: () => SoundChoice) {
    super();
    this.kind = kind;
    this.#sound = sound;
  }

  get track(): MediaStreamTrack | null {
    return this.#track;
  }

  get problem(): MediaProblem | null {
    return this.#problem;
  }

  get deviceId(): string {
    return this.#track?.getSettings().deviceId ?? "";
  }

  get label(): string {
    return this.#track?.label ?? "";
  }

  /**
   * Opens a device, the default one without an id, and lets go of the present
   * one only when the new one delivers, so that nobody hears a gap.
   */
  async open(deviceId?: string, facing?: Facing): Promise<boolean> {
    const turn = ++this.#turn;
    try {
      const track = await this.#request(deviceId, facing);
      if (turn !== this.#turn) {
        track.stop();
        return false;
      }
      this.use(track);
      return true;
    } catch (error) {
      if (turn === this.#turn) this.fail(mediaProblem(error, await permission(this.kind)));
      return false;
    }
  }

  /** Takes a track that was opened elsewhere. */
  use(track: MediaStreamTrack): void {
    const old = this.#track;
    track.addEventListener("ended", () => this.#ended(track));
    track.contentHint = this.kind === "camera" ? "motion" : this.#sound().music ? "music" : "speech";
    this.#track = track;
    this.#problem = null;
    this.emit("change", undefined);
    old?.stop();
  }

  fail(problem: MediaProblem): void {
    this.#problem = problem;
    this.emit("change", undefined);
  }

  /** Releases the device: its light goes off. */
  stop(): void {
    this.#turn++;
    const old = this.#track;
    this.#track = null;
    old?.stop();
    if (old) this.emit("change", undefined);
  }

  async #request(deviceId?: string, facing?: Facing): Promise<MediaStreamTrack> {
    const get = async () => {
      const stream = await navigator.mediaDevices.getUserMedia(
        this.kind === "mic"
          ? { audio: micConstraints(this.#sound(), deviceId) }
          : { video: cameraConstraints(deviceId, facing) },
      );
      const [track] = stream.getTracks();
      if (!track) throw new DOMException("no track", "NotFoundError");
      return track;
    };
    try {
      return await get();
    } catch (error) {
      // Phones open one camera at a time: let go of ours and try again.
      const busy = this.#track !== null && mediaProblem(error, null) === "in-use";
      if (!busy) throw error;
      this.#track?.stop();
      return get();
    }
  }

  #ended(track: MediaStreamTrack): void {
    if (track !== this.#track) return; // stopped by us, or replaced
    this.#track = null;
    this.#problem = "none";
    this.emit("change", undefined);
    this.emit("lost", track.label);
  }
}

/** What the person has decided for this site; null where the browser does not tell. */
export async function permission(kind: "mic" | "camera"): Promise<PermissionState | null> {
  const name = (kind === "mic" ? "microphone" : "camera") as PermissionName;
  try {
    return (await navigator.permissions.query({ name })).state;
  } catch {
    return null; // Firefox knows these names only since version 131
  }
}
