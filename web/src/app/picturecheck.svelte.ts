import type { CameraVerdict } from "../engine/checks/camera.ts";
import { surroundingsVerdict, type SurroundingsVerdict } from "../engine/checks/surroundings.ts";
import type { PictureFindings, PictureWatch } from "../engine/checks/watchpicture.ts";
import type { MediaModel } from "./media.svelte.ts";
import type { TestBook } from "./tested.ts";

/** A glance that has found nothing to be content with ends after so many samples: some four seconds. */
const GLANCE_SAMPLES = 16;

/**
 * Camera and surroundings before a call. A glance judges the camera and its light, once; while the check is open it goes on,
 * and looks for the face, too. Nothing leaves the device. Whoever makes one closes it.
 */
export class PictureCheck {
  readonly #media: MediaModel;
  readonly #tested: Pick<TestBook, "note">;
  #mode: "closed" | "glance" | "open" = "closed";
  #off: (() => void) | null = null;
  #track: MediaStreamTrack | null = null;
  #watch: PictureWatch | null = null;
  #samples = 0;
  #noted = "";
  #found = $state.raw<PictureFindings | null>(null);
  #failed = $state(false);
  #at = $state(0);

  constructor(media: MediaModel, tested: Pick<TestBook, "note">) {
    this.#media = media;
    this.#tested = tested;
  }

  /** There is a camera to check. */
  get possible(): boolean {
    return this.#media.now.cameraTrack !== null;
  }
  /** A part of the page did not load. */
  get failed(): boolean {
    return this.#failed;
  }
  /** Null: not looked at. */
  get camera(): CameraVerdict | null {
    return this.#found && this.#found.camera;
  }
  get surroundings(): SurroundingsVerdict | null {
    return this.#found && surroundingsVerdict(this.#found.light, this.#found.framing);
  }
  /** Faces were looked for: it says more than the light. */
  get framed(): boolean {
    return Boolean(this.#found?.framing);
  }
  /** When the last of it was found, ms since the epoch. */
  get at(): number {
    return this.#at;
  }

  glance(): void {
    if (this.#mode === "closed") this.#begin("glance");
  }

  open(): void {
    this.#begin("open");
  }

  /** What was found stays. */
  close(): void {
    this.#mode = "closed";
    this.#off?.();
    this.#off = null;
    this.#stop();
  }

  #begin(mode: "glance" | "open"): void {
    this.close();
    this.#mode = mode;
    this.#off = this.#media.now.on("change", () => void this.#follow());
    void this.#follow();
  }

  async #follow(): Promise<void> {
    const track = this.#media.now.cameraTrack;
    if (track === this.#track) return;
    this.#stop();
    this.#track = track;
    this.#found = null;
    this.#failed = false;
    if (!track) return;
    try {
      const { PictureWatch } = await import("../engine/checks/watchpicture.ts");
      if (track !== this.#track || this.#watch) return; // another one meanwhile, or closed
      const faces = this.#mode === "open";
      this.#watch = new PictureWatch(track, { faces, found: (findings) => this.#take(findings) });
    } catch {
      this.#failed = true;
    }
  }

  #take(findings: PictureFindings): void {
    this.#found = findings;
    this.#at = Date.now();
    this.#note();
    const { finding } = findings.camera;
    if (this.#mode === "glance" && (finding === "good" || ++this.#samples >= GLANCE_SAMPLES)) this.close();
  }

  /** Lights that have changed, for a host to be told with the knock. */
  #note(): void {
    const { camera, surroundings } = this;
    const lights = `${camera?.light} ${surroundings?.light}`;
    if (lights === this.#noted) return;
    this.#noted = lights;
    if (camera && camera.light !== "working") this.#tested.note("camera", camera.light);
    if (surroundings && surroundings.light !== "working" && this.framed)
      this.#tested.note("picture", surroundings.light);
  }

  #stop(): void {
    this.#watch?.close();
    this.#watch = null;
    this.#track = null;
    this.#samples = 0;
  }
}
