import { NoisyMic } from "../engine/checks/noisymic.ts";
import { LOOK_MS, Talking } from "../engine/talking.ts";
import type { CallLike } from "./call.svelte.ts";
import type { MediaLike } from "./media.svelte.ts";
import { SystemControls } from "./mediasession.ts";
import { ScreenLock } from "./wakelock.ts";

interface SurroundingsConfig {
  readonly call: CallLike;
  readonly media: MediaLike;
  name(): string;
  /** Somebody talks and is muted. */
  talking(): void;
  /** The microphone picks up a lot of noise, and something can be done about it. */
  noisy(): void;
}

/** What a call wants of the device around it: a screen that stays awake, the system's buttons, a word to who talks while muted or amid noise. */
export class Surroundings {
  readonly #config: SurroundingsConfig;
  readonly #screen = new ScreenLock(document);
  readonly #controls = new SystemControls();
  readonly #talking = new Talking();
  readonly #noisy = new NoisyMic();
  #microphone = ""; // whose noise is listened to, and how it is treated
  readonly #off: (() => void)[];
  #listening: ReturnType<typeof setInterval> | null = null;
  #shown = false;

  constructor(config: SurroundingsConfig) {
    this.#config = config;
    const follow = () => this.#follow();
    this.#off = [config.call.on("change", follow), config.media.on("change", follow)];
  }

  close(): void {
    for (const off of this.#off) off();
    this.#listen(false);
    this.#show(false);
    this.#screen.close();
  }

  #follow(): void {
    const { call, media } = this.#config;
    const together = ["joining", "live", "reconnecting"].includes(call.phase);
    this.#screen.want(together || call.phase === "alone");
    this.#show(together);
    this.#listen(together && media.micOpen);
    if (together) this.#controls.state(media.micOn, media.cameraOn);
  }

  #show(on: boolean): void {
    const { call, media, name } = this.#config;
    if (!on) {
      if (this.#shown) this.#controls.hide();
    } else {
      this.#controls.show(name(), {
        hangup: () => call.hangup(),
        toggleMic: () => void media.setMic(!media.micOn),
        toggleCamera: () => void media.setCamera(!media.cameraOn),
      });
    }
    this.#shown = on;
  }

  #listen(on: boolean): void {
    if (on === (this.#listening !== null)) return;
    if (this.#listening !== null) clearInterval(this.#listening);
    this.#listening = on ? setInterval(() => this.#hear(), LOOK_MS) : null;
  }

  #hear(): void {
    const { media, talking, noisy } = this.#config;
    const muted = !media.micOn;
    if (this.#talking.look(muted, muted ? media.level : 0, performance.now())) talking();
    const microphone = `${media.micId} ${media.noise} ${media.music}`;
    if (microphone !== this.#microphone) this.#noisy.forget();
    this.#microphone = microphone;
    if (muted || media.music || media.noise === "strong") return; // nothing to be done, or done
    if (this.#noisy.look(media.level)) noisy();
  }
}
