import { FacingMeter, poseOf, referenceOf, type Pose } from "../engine/checks/facing.ts";
import { surroundingsVerdict } from "../engine/checks/surroundings.ts";
import type { PictureFindings, PictureWatch } from "../engine/checks/watchpicture.ts";
import { Hints } from "./hints.ts";
import type { MediaModel } from "./media.svelte.ts";
import { cameraAdvice, surroundingsAdvice } from "./pictureadvice.ts";
import type { Preferences } from "./preferences.svelte.ts";

/** A look for hints takes three seconds out of ten: light changes slowly, and it is to cost nothing. */
const LOOK_MS = 3_000;
const EVERY_MS = 10_000;
/** Looks into the lens that make a reference, and how long they may take to come. */
const POSES = 3;
const TEACH_MS = 8_000;

interface EyeContactConfig {
  readonly media: MediaModel;
  readonly preferences: Preferences;
  /** One line about one's own picture, for nobody else. */
  readonly hint: (text: string) => void;
}

/**
 * Help with one's own picture during a call, on this device alone: a hint now and then, and how often one looks towards
 * the lens, for who has asked for it. Whoever makes one closes it.
 */
export class EyeContact {
  readonly #config: EyeContactConfig;
  readonly #hints = new Hints();
  readonly #off: () => void;
  readonly #ticking: ReturnType<typeof setInterval>;
  #wanted = false;
  #closed = false;
  #generation = 0; // of the watch: one that is still loading may be unwanted by then
  #watch: PictureWatch | null = null;
  #track: MediaStreamTrack | null = null;
  #metering = false; // what the watch is for
  #resting: ReturnType<typeof setTimeout> | null = null;
  #found: PictureFindings | null = null;
  #meter: FacingMeter | null = null;
  #poses: Pose[] | null = null; // being collected
  #teachUntil = 0;
  #share = $state<number | null>(null);
  #state = $state<"measuring" | "teaching" | "taught" | "nobody" | "failed">("measuring");

  constructor(config: EyeContactConfig) {
    this.#config = config;
    this.#off = config.media.now.on("change", () => this.#follow());
    this.#ticking = setInterval(() => this.#tick(), EVERY_MS);
  }

  /** Towards the lens in the last minute, 0 … 1; null while too little was seen. */
  get share(): number | null {
    return this.#share;
  }
  /** What there is to say about the meter. `nobody`: no face was seen to learn from. */
  get state(): "measuring" | "teaching" | "taught" | "nobody" | "failed" {
    return this.#state;
  }
  /** It is known how this person looks into the lens. */
  get taught(): boolean {
    return this.#config.preferences.presence.pose !== null;
  }
  get possible(): boolean {
    return this.#config.media.now.cameraTrack !== null;
  }

  /** While two are together in a call. */
  want(on: boolean): void {
    this.#wanted = on;
    this.#follow();
  }

  setMeter(on: boolean): void {
    this.#config.preferences.setPresence({ meter: on });
    this.#poses = null;
    this.#forget();
    this.#follow();
  }

  setHints(on: boolean): void {
    this.#config.preferences.setPresence({ hints: on });
  }

  /** The person looks into the lens now, and for three seconds more. */
  teach(): void {
    this.#poses = [];
    this.#teachUntil = performance.now() + TEACH_MS;
    this.#state = "teaching";
  }

  close(): void {
    this.#closed = true;
    this.#off();
    clearInterval(this.#ticking);
    this.#stop();
  }

  #follow(): void {
    const { meter } = this.#config.preferences.presence;
    const track = this.#wanted && !this.#closed ? this.#config.media.now.cameraTrack : null;
    if (track === this.#track && meter === this.#metering) return;
    this.#stop();
    this.#track = track;
    this.#metering = meter;
    if (track && meter) void this.#look(track, true);
    else this.#glance();
  }

  #tick(): void {
    if (!this.#metering) this.#glance();
    else if (this.#config.preferences.presence.hints) this.#judge();
  }

  /** A short look, for a hint. */
  #glance(): void {
    if (!this.#track || this.#watch || !this.#config.preferences.presence.hints) return;
    void this.#look(this.#track, false);
    this.#resting = setTimeout(() => {
      this.#judge();
      this.#stop();
    }, LOOK_MS);
  }

  #judge(): void {
    if (!this.#found) return;
    const { camera, light, framing } = this.#found;
    const surroundings = surroundingsVerdict(light, framing);
    const wrong = camera.finding === "covered" || camera.finding === "frozen";
    const finding = wrong ? camera.finding : surroundings.finding;
    this.#found = null;
    if (!this.#hints.take(finding, performance.now())) return;
    this.#config.hint(wrong ? cameraAdvice(camera) : surroundingsAdvice(surroundings, framing !== null));
  }

  async #look(track: MediaStreamTrack, faces: boolean): Promise<void> {
    const generation = ++this.#generation;
    try {
      const { PictureWatch } = await import("../engine/checks/watchpicture.ts");
      if (generation !== this.#generation) return; // stopped meanwhile
      if (this.#state === "failed") this.#state = "measuring";
      this.#watch = new PictureWatch(track, {
        faces,
        found: (findings) => {
          this.#found = findings;
          if (faces && !findings.framing) this.#state = "failed"; // they cannot be looked for here
        },
        saw: (face, aspect) => this.#saw(face && poseOf(face, aspect)),
      });
    } catch {
      if (faces) this.#state = "failed";
    }
  }

  #saw(pose: Pose | null): void {
    const now = performance.now();
    if (this.#poses) return this.#learn(pose, now);
    const { pose: reference } = this.#config.preferences.presence;
    if (!reference) return;
    this.#meter ??= new FacingMeter(reference);
    this.#meter.take(pose, now);
    this.#share = this.#meter.share;
  }

  #learn(pose: Pose | null, now: number): void {
    if (pose) this.#poses?.push(pose);
    if (this.#poses?.length === POSES) {
      this.#config.preferences.setPresence({ pose: referenceOf(this.#poses) });
      this.#forget();
      this.#state = "taught";
    } else if (now > this.#teachUntil) {
      this.#state = "nobody";
    } else return;
    this.#poses = null;
  }

  #forget(): void {
    this.#meter = null;
    this.#share = null;
    this.#state = "measuring";
  }

  #stop(): void {
    this.#generation++;
    this.#watch?.close();
    this.#watch = null;
    this.#found = null;
    if (this.#resting) clearTimeout(this.#resting);
    this.#resting = null;
  }
}
