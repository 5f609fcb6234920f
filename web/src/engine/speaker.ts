import type { Devices } from "./devices.ts";
import type { DevicePrefs, Notice } from "./types.ts";

/** The speaker that the person chose, as long as it is plugged in; the system's default while it is not. */
export class Speaker {
  readonly #devices: Devices;
  readonly #prefs: DevicePrefs;
  readonly #notice: (notice: Notice) => void;
  #id = "";
  #missing: string | null = null; // label of the one that was unplugged

  constructor(devices: Devices, prefs: DevicePrefs, notice: (notice: Notice) => void) {
    this.#devices = devices;
    this.#prefs = prefs;
    this.#notice = notice;
  }

  /** For HTMLMediaElement.setSinkId; "" is the system's default. */
  get id(): string {
    return this.#id;
  }

  choose(id: string): void {
    this.#id = id;
    this.#missing = null;
  }

  /** The list of devices has changed. */
  follow(): void {
    const back = this.#devices.find("speaker", { label: this.#missing });
    if (back) {
      this.choose(back.id);
      this.#notice({ kind: "device-back", device: "speaker", label: back.label });
    } else if (this.#id !== "" && !this.#devices.find("speaker", { id: this.#id })) {
      this.#missing = this.#prefs.label("speaker") ?? "";
      this.#id = "";
      this.#notice({ kind: "device-lost", device: "speaker", label: "" });
    }
  }
}
