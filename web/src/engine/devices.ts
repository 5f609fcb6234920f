import { Emitter } from "./emitter.ts";
import { Scope } from "./scope.ts";
import type { Device, DeviceKind } from "./types.ts";

const kinds: Readonly<Record<MediaDeviceKind, DeviceKind>> = {
  audioinput: "mic",
  videoinput: "camera",
  audiooutput: "speaker",
};

// Chromium lists these beside the real device they stand for.
const aliases = new Set(["default", "communications"]);

export type DeviceLists = Readonly<Record<DeviceKind, readonly Device[]>>;

type Info = Pick<MediaDeviceInfo, "kind" | "deviceId" | "label" | "groupId">;

/** The real device that an alias stands for, if there is one: it is in the same group. */
function realOf(infos: readonly Info[], alias: Info): Info | undefined {
  return infos.find((i) => i.kind === alias.kind && i.groupId === alias.groupId && !aliases.has(i.deviceId));
}

/** Sorts what enumerateDevices returns into ours, without aliases and without the nameless entries of a page that has no permission. */
export function listDevices(infos: readonly Info[]): DeviceLists {
  const lists: Record<DeviceKind, Device[]> = { mic: [], camera: [], speaker: [] };
  for (const info of infos) {
    const { kind, deviceId: id, label } = info;
    if (id === "" || (aliases.has(id) && realOf(infos, info))) continue;
    lists[kinds[kind]].push({ id, label });
  }
  return lists;
}

/** The devices of this machine, kept up to date. */
export class Devices extends Emitter<{ change: undefined }> {
  readonly #scope = new Scope();
  #infos: readonly Info[] = [];
  #lists: DeviceLists = { mic: [], camera: [], speaker: [] };

  get lists(): DeviceLists {
    return this.#lists;
  }

  /** Watches for devices that come and go. */
  watch(): void {
    this.#scope.listen(navigator.mediaDevices, "devicechange", () => void this.refresh());
  }

  /** Reads the list again. Labels appear once permission was given. */
  async refresh(): Promise<void> {
    const infos = await navigator.mediaDevices.enumerateDevices();
    if (this.#scope.closed) return;
    this.#infos = infos;
    this.#lists = listDevices(infos);
    this.emit("change", undefined);
  }

  find(kind: DeviceKind, by: { id?: string; label?: string | null }): Device | undefined {
    return this.#lists[kind].find((d) =>
      by.id !== undefined ? d.id === by.id : d.label !== "" && d.label === by.label,
    );
  }

  /** The id of the device that a track with this id comes from, as it is in the lists. */
  resolve(kind: DeviceKind, id: string): string {
    const alias = this.#infos.find((i) => kinds[i.kind] === kind && i.deviceId === id && aliases.has(id));
    return (alias && realOf(this.#infos, alias)?.deviceId) ?? id;
  }

  close(): void {
    this.#scope.close();
  }
}
