import { LimitTested, type Tested } from "../protocol/sealed.gen.ts";
import { storedTested, type TestedLight, type TestedPart } from "../storage/tested.ts";
import type { Area } from "../storage/store.ts";

export type { TestedLight };

/** Told what a check of sound has found; `text` says it in the language of the moment. */
export type SoundFound = (part: "mic" | "speaker", text: () => string) => void;

/** Checks that are further apart do not belong together: other devices, another place. */
const TOGETHER_MS = 3_600_000;
const HOUR_MS = 3_600_000;

export const testedParts: readonly TestedPart[] = ["camera", "picture", "mic", "speaker", "network"];

/** What the checks before a call have found on this device, kept here and told to a host with the knock. */
export class TestBook {
  readonly #stored: ReturnType<typeof storedTested>;
  readonly #network: () => string | null;
  readonly #now: () => number;

  constructor(area: Area, network: () => string | null = networkKind, now: () => number = Date.now) {
    this.#stored = storedTested(area);
    this.#network = network;
    this.#now = now;
  }

  /** Remembers the light of a check that is over. */
  note(part: TestedPart, light: TestedLight): void {
    const [before, at] = [this.#stored.read(), this.#now()];
    const together = before && Math.abs(at - before.at) < TOGETHER_MS ? before.lights : {};
    this.#stored.write({ v: 1, at, lights: { ...together, [part]: light }, kind: this.#network() });
  }

  /** What a host may be told; null if nothing was checked, or too long ago. */
  claim(): Tested | null {
    const record = this.#stored.read();
    if (!record) return null;
    const hours = Math.floor((this.#now() - record.at) / HOUR_MS);
    const { mic = "unknown", speaker = "unknown", camera = "unknown" } = record.lights;
    const { picture = "unknown", network = "unknown" } = record.lights;
    const lights = { mic, speaker, camera, picture, network };
    const nothing = Object.values(lights).every((light) => light === "unknown");
    if (nothing || hours < 0 || hours > LimitTested) return null;
    const kind = this.#network();
    const net = record.kind && kind && (record.kind === kind ? "same" : "other");
    return { hours, ...lights, ...(net && { net }) };
  }
}

/** wifi, cellular, ethernet …: only browsers on phones tell. */
function networkKind(): string | null {
  const { connection } = navigator as Navigator & { readonly connection?: { readonly type?: string } };
  const kind = connection?.type;
  return kind && !["unknown", "none", "other"].includes(kind) ? kind.slice(0, 20) : null;
}
