import { Devices } from "./devices.ts";
import { Effects } from "./effects/effects.ts";
import { Emitter } from "./emitter.ts";
import { cameraConstraints, Input, micConstraints, permission } from "./input.ts";
import { Lens } from "./lens.ts";
import { Meter } from "./meter.ts";
import { Plugs } from "./plugs.ts";
import { isRefusal, mediaProblem, mediaUnavailable } from "./problems.ts";
import { soundsAlike, type NoiseMode, type SoundChoice } from "./sound/choice.ts";
import { Voice, type Cleaner } from "./sound/voice.ts";
import { Speaker } from "./speaker.ts";
import type { Device, DeviceFates, DeviceKind, DevicePrefs, MediaEvents, MediaProblem } from "./types.ts";
import { startWorker } from "./workers.ts";

/**
 * This person's microphone, camera and choice of speaker. Muting takes the
 * microphone off its sender but keeps it open, so that unmuting is instant and
 * somebody who talks while muted can be told (unless {@link DevicePrefs} wants it
 * released); switching the camera off releases it, so that its light goes off.
 */
export class LocalMedia extends Emitter<MediaEvents> {
  /** What is sent, for the self view. Keeps its identity; tracks come and go. */
  readonly stream = new MediaStream();
  readonly #prefs: DevicePrefs;
  readonly #mic = new Input("mic", () => this.#sound);
  readonly #camera = new Input("camera", () => this.#sound);
  readonly #voice: Voice; // what the microphone hands out
  readonly #devices = new Devices();
  readonly #meter = new Meter();
  /** What the person wants, whatever the devices do. */
  readonly #want = { mic: false, camera: false };
  readonly #speaker: Speaker;
  readonly #plugs = new Plugs({
    devices: this.#devices,
    inputs: [this.#mic, this.#camera],
    wanted: (kind) => this.#want[kind],
    changed: () => this.emit("change", undefined),
    notice: (notice) => this.emit("notice", notice),
  });
  /** Light and zoom of the camera in use. */
  readonly lens = new Lens(
    () => this.#camera.track,
    () => this.emit("change", undefined),
  );
  /** What is done to the camera's picture before anybody gets it, this person included. */
  readonly effects = new Effects(() => startWorker("vision"));
  #picture: MediaStreamTrack | null = null; // the camera's, or what the effects made of it
  #watching = false;
  #sound: SoundChoice;
  #noiseFailed = false;

  /** `cleaner` is asked for when somebody wants strong noise suppression: it is large. */
  constructor(prefs: DevicePrefs, cleaner: () => Promise<Cleaner> = noCleaner) {
    super();
    this.#prefs = prefs;
    this.#sound = { noise: prefs.noise ?? "browser", music: false };
    this.#voice = new Voice(cleaner);
    this.#voice.on("change", () => this.#sync());
    this.#voice.on("failed", () => {
      this.#noiseFailed = true;
      void this.setNoise("browser");
    });
    this.#speaker = new Speaker(this.#devices, prefs, (notice) => this.emit("notice", notice));
    for (const input of [this.#mic, this.#camera]) {
      input.on("change", () => this.#sync());
      input.on("lost", (label) => void this.#plugs.lost(input, label));
    }
    this.effects.on("change", () => this.#sync());
    this.effects.on("notice", (notice) => this.emit("notice", notice));
    this.#devices.on("change", () => {
      this.#speaker.follow();
      this.emit("change", undefined);
      void this.#plugs.look();
    });
  }

  get mics(): readonly Device[] {
    return this.#devices.lists.mic;
  }
  get cameras(): readonly Device[] {
    return this.#devices.lists.camera;
  }
  /** Without the system's default, which has the id "". Empty where the browser cannot choose. */
  get speakers(): readonly Device[] {
    return this.#devices.lists.speaker;
  }
  get micId(): string {
    return this.#devices.resolve("mic", this.#mic.deviceId);
  }
  get cameraId(): string {
    return this.#devices.resolve("camera", this.#camera.deviceId);
  }
  /** For HTMLMediaElement.setSinkId; "" is the system's default. */
  get speakerId(): string {
    return this.#speaker.id;
  }
  /** Sound leaves this device. */
  get micOn(): boolean {
    return this.#want.mic && this.#mic.track !== null;
  }
  get cameraOn(): boolean {
    return this.#want.camera && this.#camera.track !== null;
  }
  get micProblem(): MediaProblem | null {
    return this.#mic.problem;
  }
  get cameraProblem(): MediaProblem | null {
    return this.#camera.problem;
  }
  /** Loudness of the microphone just now, 0…1; also while muted. Poll it per animation frame. */
  get level(): number {
    return this.#meter.level;
  }
  /** For the engine: what to send. A muted microphone has no sender at all, so that not one packet of it can leave. */
  get tracks(): { mic: MediaStreamTrack | null; camera: MediaStreamTrack | null } {
    return { mic: this.#want.mic ? this.#voice.track : null, camera: this.#picture };
  }
  /** The microphone is open, muted or not: the system shows it as in use. */
  get micOpen(): boolean {
    return this.#mic.track !== null;
  }
  /** The microphone as others would hear it, muted or not: for who wants to check it. */
  get voice(): MediaStreamTrack | null {
    return this.#voice.track;
  }
  get noise(): NoiseMode {
    return this.#sound.noise;
  }
  /** Strong noise suppression was wanted and cannot be done here: the browser's own is in its place. */
  get noiseFailed(): boolean {
    return this.#noiseFailed;
  }
  /** The sound of an instrument is sent as it is, in stereo. */
  get music(): boolean {
    return this.#sound.music;
  }
  /** The camera's own picture, before anything is done to it: for who wants to check it. */
  get cameraTrack(): MediaStreamTrack | null {
    return this.#camera.track;
  }
  /** What became of devices that were in use and wanted. */
  get fates(): DeviceFates {
    return this.#plugs.fates;
  }

  /** Opens what is wanted; one failing does not stop the other. Never rejects: read the problems. */
  async start(want: { mic: boolean; camera: boolean }): Promise<void> {
    this.#want.mic = want.mic;
    this.#want.camera = want.camera;
    const problem = mediaUnavailable({ isSecureContext, mediaDevices: navigator.mediaDevices });
    if (problem) {
      if (want.mic) this.#mic.fail(problem);
      if (want.camera) this.#camera.fail(problem);
      return;
    }
    await this.#watch();
    // Both together first: one question to the person instead of two.
    if (want.mic && want.camera && (await this.#openBoth())) return;
    await Promise.all([
      want.mic && !this.#mic.track && !isRefusal(this.#mic.problem) && this.#open(this.#mic),
      want.camera && !this.#camera.track && !isRefusal(this.#camera.problem) && this.#open(this.#camera),
    ]);
  }

  async setMic(on: boolean): Promise<void> {
    this.#want.mic = on;
    if (on && !this.#mic.track) await this.retry("mic");
    else if (!on && this.#prefs.releaseMic) this.#mic.stop();
    this.#sync();
  }

  async setCamera(on: boolean): Promise<void> {
    this.#want.camera = on;
    if (!on) this.#camera.stop();
    else if (!this.#camera.track) await this.retry("camera");
    this.#sync();
  }

  /** Uses another device, from now on and the next time. */
  async select(kind: DeviceKind, id: string): Promise<void> {
    const label = this.#devices.find(kind, { id })?.label ?? "";
    this.#prefs.remember(kind, label);
    if (kind === "speaker") {
      this.#speaker.choose(id);
      return this.emit("change", undefined);
    }
    this.#plugs.forget(kind);
    const input = kind === "mic" ? this.#mic : this.#camera;
    if (kind === "mic" || this.#want.camera) await input.open(id);
  }

  /** Another way to treat noise, also in the middle of a call. */
  async setNoise(noise: NoiseMode): Promise<void> {
    if (noise === "strong") this.#noiseFailed = false;
    await this.#sounds({ ...this.#sound, noise });
  }

  /** For an instrument, or back to a voice. */
  async setMusic(music: boolean): Promise<void> {
    await this.#sounds({ ...this.#sound, music });
  }

  /** A phone: from the camera at the front to the one at the back, or back. Not remembered: it is for the moment. */
  async flip(): Promise<void> {
    const facing = this.lens.facing === "environment" ? "user" : "environment";
    if (this.lens.facing !== null) await this.#camera.open(undefined, facing);
  }

  /** Asks again, after the person has changed something. */
  async retry(kind: "mic" | "camera"): Promise<void> {
    const problem = mediaUnavailable({ isSecureContext, mediaDevices: navigator.mediaDevices });
    const input = kind === "mic" ? this.#mic : this.#camera;
    this.#want[kind] = true;
    if (problem) return input.fail(problem);
    await this.#watch();
    await this.#open(input);
  }

  close(): void {
    this.#devices.close();
    this.#meter.close();
    this.#voice.close();
    this.#mic.stop();
    this.#camera.stop();
    this.effects.close();
  }

  async #watch(): Promise<void> {
    if (this.#watching) return;
    this.#watching = true;
    this.#devices.watch();
    await this.#devices.refresh();
  }

  async #openBoth(): Promise<boolean> {
    try {
      const stream = await navigator.mediaDevices.getUserMedia({
        audio: micConstraints(this.#sound, this.#preferred("mic")),
        video: cameraConstraints(this.#preferred("camera")),
      });
      const [mic] = stream.getAudioTracks();
      const [camera] = stream.getVideoTracks();
      if (mic) this.#mic.use(mic);
      if (camera) this.#camera.use(camera);
      await this.#afterOpen();
      return true;
    } catch (error) {
      // Refused together: whoever is not refused alone may still be opened. Asking
      // a second time for what was just refused would only annoy.
      for (const input of [this.#mic, this.#camera]) {
        const state = await permission(input.kind);
        const problem = mediaProblem(error, state);
        if (state !== "granted" && state !== null && isRefusal(problem)) input.fail(problem);
      }
      return false;
    }
  }

  async #open(input: Input): Promise<void> {
    const preferred = this.#preferred(input.kind);
    if (!(await input.open(preferred)) && preferred && input.problem !== "blocked") await input.open();
    await this.#afterOpen();
  }

  /** Labels are known only now, so the preferred device may be, too. */
  async #afterOpen(): Promise<void> {
    await this.#devices.refresh();
    for (const input of [this.#mic, this.#camera]) {
      const preferred = this.#preferred(input.kind);
      if (input.track && preferred && preferred !== this.#devices.resolve(input.kind, input.deviceId))
        await input.open(preferred);
    }
    this.#speaker.choose(this.#preferred("speaker") ?? "");
    this.#sync();
  }

  #preferred(kind: DeviceKind): string | undefined {
    return this.#devices.find(kind, { label: this.#prefs.label(kind) })?.id;
  }

  /** Opens the microphone anew if it has to deliver something else: the present one goes on until that is there. */
  async #sounds(choice: SoundChoice): Promise<void> {
    const before = this.#sound;
    this.#sound = choice;
    if (this.#mic.track && !soundsAlike(before, choice)) await this.#mic.open(this.micId || undefined);
    this.#sync();
  }

  /** Makes stream, mute and meter follow the inputs. */
  #sync(): void {
    const raw = this.#mic.track;
    const camera = (this.#picture = this.effects.through(this.#camera.track));
    this.#voice.use(raw, this.#sound.noise === "strong" && !this.#sound.music);
    const mic = this.#voice.track;
    if (raw) raw.enabled = this.#want.mic || this.#voice.cleaning;
    if (mic) mic.enabled = this.#want.mic;
    for (const track of this.stream.getTracks()) {
      if (track !== mic && track !== camera) this.stream.removeTrack(track);
    }
    for (const track of [mic, camera]) if (track) this.stream.addTrack(track);
    this.#meter.listen(raw);
    this.emit("change", undefined);
  }
}

/** Of a page that has none. */
function noCleaner(): Promise<Cleaner> {
  return Promise.reject(new DOMException("no noise suppression here", "NotSupportedError"));
}
