import type { App } from "./app.ts";
import type { Engine } from "./engine.ts";
import { MediaModel } from "./media.svelte.ts";
import { NetworkCheck } from "./netcheck.svelte.ts";
import { netAdvice } from "./nettexts.ts";
import { deviceFinding, surroundings, testReport, type TestFinding } from "./testreport.ts";

/** The page that tests a device without a call. It owns devices and checks, and closes both. */
export class TestPage {
  readonly media: MediaModel;
  readonly network: NetworkCheck;
  readonly #app: App;
  readonly #off: () => void;
  #starting = $state(true);
  #at = $state.raw({ camera: 0, mic: 0, network: 0 }); // when something was found, ms since the epoch

  constructor(app: App, engine: Engine) {
    this.#app = app;
    const media = engine.media(app.preferences);
    this.media = new MediaModel(media);
    this.network = new NetworkCheck(app);
    this.#off = media.on("change", () => this.#look());
  }

  get starting(): boolean {
    return this.#starting;
  }

  /** The text for a helpdesk, as of now. */
  get report(): string {
    const { network } = this;
    const media = this.media.now;
    const devices = (["camera", "mic"] as const).map((part) => ({ part, text: deviceFinding(part, media) }));
    const found = [...devices, { part: "network" as const, text: netAdvice(network.verdict.finding) }];
    const findings: TestFinding[] = found
      .filter(({ part }) => this.#at[part] > 0 && (part !== "network" || network.begun))
      .map((finding) => ({ ...finding, at: this.#at[finding.part] }));
    return testReport(
      {
        version: this.#app.version,
        at: Math.max(...findings.map(({ at }) => at), 0) || Date.now(),
        ...surroundings(navigator),
        findings,
        paths: network.begun ? network.paths : null,
      },
      this.#app.preferences.language.current,
    );
  }

  open(): void {
    void this.media.now.start({ mic: true, camera: true }).finally(() => (this.#starting = false));
    void this.checkNetwork();
  }

  async checkNetwork(): Promise<void> {
    await this.network.start();
    this.#at = { ...this.#at, network: Date.now() };
  }

  close(): void {
    this.#off();
    this.network.close();
    this.media.now.close();
  }

  #look(): void {
    const { cameraOn, micOn, cameraProblem, micProblem } = this.media.now;
    const now = Date.now();
    if (cameraOn || cameraProblem) {
      this.#at = { ...this.#at, camera: now };
      this.#app.tested.note("camera", cameraProblem ? "poor" : "good");
    }
    if (micOn || micProblem) this.#at = { ...this.#at, mic: now };
    // That it is open does not say that it hears: only the sound check calls a microphone good.
    if (micProblem) this.#app.tested.note("mic", "poor");
  }
}
