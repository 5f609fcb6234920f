import type { App } from "./app.ts";
import type { Engine } from "./engine.ts";
import { MediaModel } from "./media.svelte.ts";
import { NetworkCheck } from "./netcheck.svelte.ts";
import { netAdvice } from "./nettexts.ts";
import { cameraAdvice, surroundingsAdvice } from "./pictureadvice.ts";
import { PictureCheck } from "./picturecheck.svelte.ts";
import type { SoundLights } from "./soundcheck.svelte.ts";
import { testedParts } from "./tested.ts";
import { deviceFinding, surroundings, testReport } from "./testreport.ts";
import type { Part } from "./testtexts.ts";

interface Found {
  readonly text: () => string;
  readonly at: number; // ms since the epoch
}

/** The page that tests a device without a call. It owns devices and checks, and closes both. */
export class TestPage {
  readonly media: MediaModel;
  readonly network: NetworkCheck;
  readonly picture: PictureCheck;
  sound = $state.raw<SoundLights>({ mic: null, speaker: null });
  readonly #app: App;
  readonly #off: () => void;
  #starting = $state(true);
  #known = "";
  #found = $state.raw<Partial<Record<Part, Found>>>({});

  constructor(app: App, engine: Engine) {
    this.#app = app;
    const media = engine.media(app.preferences);
    this.media = new MediaModel(media);
    this.network = new NetworkCheck(app);
    this.picture = new PictureCheck(this.media, app.tested);
    this.#off = media.on("change", () => this.#look());
  }

  get starting(): boolean {
    return this.#starting;
  }

  /** The text for a helpdesk, as of now. */
  get report(): string {
    const { network } = this;
    return testReport(
      {
        version: this.#app.version,
        at: Date.now(),
        ...surroundings(navigator),
        findings: testedParts.flatMap((part) => {
          const found = part === "picture" ? this.#seen() : this.#found[part];
          return found ? [{ part, text: found.text(), at: found.at }] : [];
        }),
        paths: this.#found.network && !network.busy ? network.paths : null,
      },
      this.#app.preferences.language.current,
    );
  }

  /** What a check says, in the language of the moment. */
  found(part: Part, text: () => string): void {
    this.#found = { ...this.#found, [part]: { text, at: Date.now() } };
  }

  open(): void {
    void this.media.now.start({ mic: true, camera: true }).finally(() => (this.#starting = false));
    this.picture.glance();
    void this.checkNetwork();
  }

  async checkNetwork(): Promise<void> {
    await this.network.start();
    if (this.network.begun) this.found("network", () => netAdvice(this.network.verdict.finding));
  }

  close(): void {
    this.#off();
    this.network.close();
    this.picture.close();
    this.media.now.close();
  }

  /** What the check found of it, or that it is open. */
  #cameraText(): string {
    const { camera } = this.picture;
    const trouble = camera && camera.light !== "working" && camera.light !== "good";
    return trouble ? cameraAdvice(camera) : deviceFinding("camera", this.media.now);
  }

  #seen(): Found | null {
    const { surroundings: seen, framed, at } = this.picture;
    return seen && seen.light !== "working" ? { text: () => surroundingsAdvice(seen, framed), at } : null;
  }

  #look(): void {
    const media = this.media.now;
    const { cameraOn, micOn, cameraProblem, micProblem, voice } = media;
    // The devices say `change` often: only what differs is news.
    const news = [cameraOn, micOn, cameraProblem, micProblem, voice?.id].join();
    if (news === this.#known) return;
    this.#known = news;
    if (cameraOn || cameraProblem) {
      this.found("camera", () => this.#cameraText());
      if (cameraProblem) this.#app.tested.note("camera", "poor");
      else if (!this.picture.camera) this.#app.tested.note("camera", "good"); // its check knows better
    }
    if (micOn || micProblem) this.found("mic", () => deviceFinding("mic", media));
    if (micProblem) this.#app.tested.note("mic", "poor");
  }
}
