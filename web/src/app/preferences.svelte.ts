import { chooseLocale, type Locale } from "../i18n/choose.ts";
import { Language } from "../i18n/locale.svelte.ts";
import { noPreferences, storedPreferences, type Appearance, type PreferencesRecord } from "../storage/preferences.ts";
import type { Area } from "../storage/store.ts";

type Device = "mic" | "camera" | "speaker";

/** What the user chose on this device: language, appearance, name, devices. Changes are stored at once. */
export class Preferences {
  readonly language: Language;
  readonly #stored: ReturnType<typeof storedPreferences>;
  readonly #root: HTMLElement;
  readonly #systemLight = matchMedia("(prefers-color-scheme: light)");
  readonly #lifetime = new AbortController();
  #record = $state.raw<PreferencesRecord>(noPreferences);

  constructor(area: Area, root: HTMLElement, preferredLanguages: readonly string[]) {
    this.#stored = storedPreferences(area);
    this.#root = root;
    this.#record = this.#stored.read() ?? noPreferences;
    this.language = new Language(chooseLocale(this.#record.locale, preferredLanguages), root);
    this.#systemLight.addEventListener("change", () => this.#applyAppearance(), { signal: this.#lifetime.signal });
    this.#applyAppearance();
  }

  get appearance(): Appearance {
    return this.#record.appearance;
  }

  get name(): string {
    return this.#record.name;
  }

  get relayOnly(): boolean {
    return this.#record.relayOnly;
  }

  get dataSaver(): boolean {
    return this.#record.dataSaver;
  }

  get audioOnly(): boolean {
    return this.#record.audioOnly;
  }

  /** How much video this device sends and wants. */
  get dataUse(): "full" | "small" | "none" {
    return this.audioOnly ? "none" : this.dataSaver ? "small" : "full";
  }

  get releaseMic(): boolean {
    return this.#record.releaseMic;
  }

  /** What stands behind this person, an id of {@link EffectsModel}. */
  get backdrop(): string {
    return this.#record.backdrop;
  }

  /** A dark picture is lifted. */
  get light(): boolean {
    return this.#record.light;
  }

  get rehearse(): boolean {
    return this.#record.rehearse;
  }

  get noise(): PreferencesRecord["noise"] {
    return this.#record.noise;
  }

  get presence(): PreferencesRecord["presence"] {
    return this.#record.presence;
  }

  setLocale(locale: Locale): void {
    this.language.set(locale);
    this.#change({ locale });
  }

  setAppearance(appearance: Appearance): void {
    this.#change({ appearance });
    this.#applyAppearance();
  }

  setName(name: string): void {
    this.#change({ name: [...name].slice(0, 64).join("") });
  }

  setRelayOnly(relayOnly: boolean): void {
    this.#change({ relayOnly });
  }

  setDataSaver(dataSaver: boolean): void {
    this.#change({ dataSaver });
  }

  setAudioOnly(audioOnly: boolean): void {
    this.#change({ audioOnly });
  }

  setReleaseMic(releaseMic: boolean): void {
    this.#change({ releaseMic });
  }

  setEffects(backdrop: string, light: boolean): void {
    this.#change({ backdrop, light });
  }

  setNoise(noise: PreferencesRecord["noise"]): void {
    this.#change({ noise });
  }

  setPresence(part: Partial<PreferencesRecord["presence"]>): void {
    this.#change({ presence: { ...this.presence, ...part } });
  }

  /** Label of the device last used with success (the engine's DevicePrefs). */
  label(kind: Device): string | null {
    return this.#record.devices[kind] ?? null;
  }

  remember(kind: Device, label: string): void {
    this.#change({ devices: { ...this.#record.devices, [kind]: label.slice(0, 200) } });
  }

  close(): void {
    this.#lifetime.abort();
  }

  #change(part: Partial<PreferencesRecord>): void {
    // Another tab may have changed the rest since.
    this.#record = { ...(this.#stored.read() ?? this.#record), ...part };
    this.#stored.write(this.#record);
  }

  #applyAppearance(): void {
    const { appearance } = this.#record;
    const light = appearance === "light" || (appearance === "system" && this.#systemLight.matches);
    this.#root.dataset["theme"] = light ? "light" : "dark";
    const colour = getComputedStyle(this.#root).getPropertyValue("--ink");
    document.querySelector("meta[name=theme-color]")?.setAttribute("content", colour);
  }
}
