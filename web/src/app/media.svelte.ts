import { createSubscriber } from "svelte/reactivity";
import type { LocalMedia } from "../engine/media.ts";

export type MediaLike = Pick<LocalMedia, keyof LocalMedia>;

/** Camera, microphone and speaker as the UI reads them; see CallModel for `now`. */
export class MediaModel {
  readonly #media: MediaLike;
  readonly #subscribe: () => void;

  constructor(media: MediaLike) {
    this.#media = media;
    this.#subscribe = createSubscriber((update) => media.on("change", update));
  }

  get now(): MediaLike {
    this.#subscribe();
    return this.#media;
  }

  /** A switch that was never allowed asks again: the click is the user action the browser wants. */
  async toggleMic(): Promise<boolean> {
    await this.#media.setMic(!this.#media.micOn);
    return this.#media.micOn;
  }

  async toggleCamera(): Promise<boolean> {
    await this.#media.setCamera(!this.#media.cameraOn);
    return this.#media.cameraOn;
  }
}
