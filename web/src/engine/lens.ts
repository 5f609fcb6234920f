/** Which way a phone's camera looks; null where the device does not say, as with a webcam. */
export type Facing = "user" | "environment" | null;

export interface Zoom {
  readonly min: number;
  readonly max: number;
  readonly step: number;
  readonly value: number;
}

// Of mediacapture-image (W3C); TypeScript's DOM library lacks them.
interface LensSettings extends MediaTrackSettings {
  readonly torch?: boolean;
  readonly zoom?: number;
}
interface LensCapabilities {
  readonly torch?: boolean;
  readonly zoom?: { readonly min: number; readonly max: number; readonly step?: number };
}

/** What the camera in use can do beside giving a picture. Asks the track each time: another camera can do other things. */
export class Lens {
  readonly #track: () => MediaStreamTrack | null;
  readonly #changed: () => void;

  constructor(track: () => MediaStreamTrack | null, changed: () => void) {
    this.#track = track;
    this.#changed = changed;
  }

  get facing(): Facing {
    const facing = this.#track()?.getSettings().facingMode;
    return facing === "user" || facing === "environment" ? facing : null;
  }

  /** Whether its light is on; null if it has none. */
  get torch(): boolean | null {
    return this.#can().torch ? (this.#settings().torch ?? false) : null;
  }

  /** Null if it cannot zoom. */
  get zoom(): Zoom | null {
    const { zoom } = this.#can();
    if (!zoom || zoom.max <= zoom.min) return null;
    const { min, max, step } = zoom;
    return { min, max, step: step || (max - min) / 20, value: this.#settings().zoom ?? min };
  }

  setTorch(on: boolean): Promise<void> {
    return this.#apply({ torch: on });
  }

  setZoom(value: number): Promise<void> {
    return this.#apply({ zoom: value });
  }

  /** Constraints replace each other: size and frame rate have to be said again, and so has the other of the two. */
  async #apply(set: { torch?: boolean; zoom?: number }): Promise<void> {
    const track = this.#track();
    if (!track) return;
    const { torch, zoom } = this;
    const all = { ...(torch !== null && { torch }), ...(zoom && { zoom: zoom.value }), ...set };
    try {
      await track.applyConstraints({ ...track.getConstraints(), advanced: [all as MediaTrackConstraintSet] });
    } catch (error) {
      // The camera has just gone, or its driver promised too much: the control shows what is so.
      if (!(error instanceof DOMException)) throw error;
    }
    this.#changed();
  }

  #can(): LensCapabilities {
    return (this.#track()?.getCapabilities?.() ?? {}) as LensCapabilities; // Firefox has it since version 132
  }

  #settings(): LensSettings {
    return this.#track()?.getSettings() ?? {};
  }
}
