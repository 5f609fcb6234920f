import { noEffects, sceneNames, type Backdrop, type EffectState } from "../engine/effects/choice.ts";
import type { Pictures } from "../storage/pictures.ts";
import type { MediaModel } from "./media.svelte.ts";
import type { Preferences } from "./preferences.svelte.ts";

const colours = { sand: "#cfc4b4", slate: "#4d5b6a", sage: "#8fa38d" } as const;
export const backdropIds = [
  "none",
  "blur-light",
  "blur-strong",
  ...(Object.keys(colours) as (keyof typeof colours)[]),
  ...sceneNames,
  "picture",
] as const;
export type BackdropId = (typeof backdropIds)[number];

const OWN = "backdrop"; // the name under which their picture is kept
const LONGEST = 1920; // px: more than a call sends would only cost memory

/** What this person wants of their picture: remembered on this device, handed to the engine. */
export class EffectsModel {
  readonly #media: MediaModel;
  readonly #preferences: Preferences;
  readonly #pictures: Pictures;
  #picture = $state.raw<Blob | null>(null);

  constructor(media: MediaModel, preferences: Preferences, pictures: Pictures) {
    this.#media = media;
    this.#preferences = preferences;
    this.#pictures = pictures;
  }

  /** As far as it can be had: a picture that is gone is none. */
  get chosen(): BackdropId {
    const id = backdropIds.find((known) => known === this.#preferences.backdrop) ?? "none";
    return id === "picture" && !this.#picture ? "none" : id;
  }

  get light(): boolean {
    return this.#preferences.light;
  }

  get hasPicture(): boolean {
    return this.#picture !== null;
  }

  get state(): EffectState {
    return this.#media.now.effects.state;
  }

  /** What was chosen the last time, before the camera is opened: not one picture of the room is to slip through. */
  async restore(): Promise<void> {
    if (this.#preferences.backdrop === "picture") this.#picture = await this.#pictures.read(OWN);
    this.#apply();
  }

  async choose(id: BackdropId): Promise<void> {
    if (id === "picture") this.#picture ??= await this.#pictures.read(OWN);
    this.#preferences.setEffects(id, this.light);
    this.#apply();
  }

  setLight(on: boolean): void {
    this.#preferences.setEffects(this.#preferences.backdrop, on);
    this.#apply();
  }

  /** Takes a picture of theirs and shows it. False: the file is none that this browser can read. */
  async take(file: File): Promise<boolean> {
    const picture = await smaller(file).catch(() => null);
    if (!picture) return false;
    this.#picture = picture;
    await this.#pictures.write(OWN, picture);
    await this.choose("picture");
    return true;
  }

  async forgetPicture(): Promise<void> {
    const shown = this.chosen === "picture";
    this.#picture = null;
    await this.#pictures.write(OWN, null);
    if (shown) await this.choose("none");
  }

  #apply(): void {
    const wanted = { backdrop: this.#backdrop(this.chosen), light: this.light };
    const { choice } = this.#media.now.effects;
    if (wanted.backdrop.kind === "none" && !wanted.light && choice === noEffects) return;
    this.#media.now.effects.choose(wanted);
  }

  #backdrop(id: BackdropId): Backdrop {
    if (id === "none") return { kind: "none" };
    if (id === "blur-light" || id === "blur-strong")
      return { kind: "blur", strength: id === "blur-light" ? "light" : "strong" };
    if (id === "picture") return this.#picture ? { kind: "picture", picture: this.#picture } : { kind: "none" };
    return id in colours
      ? { kind: "colour", colour: colours[id as keyof typeof colours] }
      : { kind: "scene", scene: id as (typeof sceneNames)[number] };
  }
}

/** What a call needs of a photograph, without what a camera wrote beside it (place, time). */
async function smaller(file: File): Promise<Blob> {
  const whole = await createImageBitmap(file);
  const scale = Math.min(1, LONGEST / Math.max(whole.width, whole.height));
  const canvas = new OffscreenCanvas(Math.ceil(whole.width * scale), Math.ceil(whole.height * scale));
  const context = canvas.getContext("2d");
  if (!context) throw new Error("no canvas");
  context.imageSmoothingQuality = "high";
  context.drawImage(whole, 0, 0, canvas.width, canvas.height);
  whole.close();
  return canvas.convertToBlob({ type: "image/jpeg", quality: 0.9 });
}
