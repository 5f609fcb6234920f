import type { DeviceFate } from "../protocol/sealed.gen.ts";
import type { Devices } from "./devices.ts";
import type { Input } from "./input.ts";
import type { DeviceFates, Notice } from "./types.ts";

interface PlugsConfig {
  readonly devices: Devices;
  readonly inputs: readonly Input[];
  wanted(kind: Input["kind"]): boolean;
  changed(): void;
  notice(notice: Notice): void;
}

/** Devices that are pulled out while in use: another one steps in, and the chosen one is taken again when it is back. */
export class Plugs {
  readonly #config: PlugsConfig;
  /** Labels of what went away, by kind. */
  readonly #missing = new Map<Input["kind"], string>();
  #replacing: Input["kind"] | null = null; // pulled out just now

  constructor(config: PlugsConfig) {
    this.#config = config;
  }

  get fates(): DeviceFates {
    const fates = this.#config.inputs.map((input) => [input.kind, this.#fate(input)] as const);
    return Object.fromEntries(fates.filter(([, fate]) => fate !== null));
  }

  /** Somebody has chosen another device: the lost one is not waited for. */
  forget(kind: Input["kind"]): void {
    this.#missing.delete(kind);
  }

  async lost(input: Input, label: string): Promise<void> {
    const { devices, changed, notice } = this.#config;
    await devices.refresh();
    this.#replacing = input.kind;
    if (devices.lists[input.kind].length > 0) await input.open();
    this.#replacing = null;
    this.#missing.set(input.kind, label);
    changed();
    notice({ kind: "device-lost", device: input.kind, label: input.label });
  }

  /** The list of devices has changed. */
  async look(): Promise<void> {
    const { devices, inputs, wanted, changed, notice } = this.#config;
    for (const input of inputs) {
      const lost = this.#missing.get(input.kind);
      if (lost === undefined || !wanted(input.kind)) continue;
      const any = input.track ? undefined : devices.lists[input.kind][0];
      const back = devices.find(input.kind, { label: lost }) ?? any;
      if (!back || back.id === devices.resolve(input.kind, input.deviceId)) continue;
      this.#missing.delete(input.kind);
      changed();
      if (await input.open(back.id)) notice({ kind: "device-back", device: input.kind, label: back.label });
    }
  }

  #fate(input: Input): DeviceFate | null {
    const lost = this.#missing.has(input.kind);
    if (!this.#config.wanted(input.kind) || (!lost && this.#replacing !== input.kind)) return null;
    return lost && !input.track ? "gone" : "other";
  }
}
