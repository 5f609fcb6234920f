import * as v from "valibot";
import { Prompter } from "../engine/prompter.ts";
import { Stored, type Area } from "../storage/store.ts";
import type { MediaModel } from "./media.svelte.ts";

/** More than anybody reads out in a call, and little enough for a tab. */
export const LONGEST = 20_000; // characters

/** How often it is looked whether somebody speaks, ms; a look hears 21 ms. No part of a second, or what is regular is missed each time. */
const LOOK_MS = 70;
/** Somebody who speaks is louder than this on the scale of the microphone's level; between two words it is quieter. */
const LOUD = 0.45;
const HOLD_MS = 600;

const schema = v.object({
  v: v.literal(1),
  call: v.string(),
  text: v.pipe(v.string(), v.maxLength(LONGEST)),
  shown: v.boolean(),
  follow: v.boolean(),
});

/** The talking points of this person for this call. They are in this tab's storage, and nowhere else. */
export class Points {
  readonly #call: string;
  readonly #media: MediaModel;
  readonly #stored: Stored<typeof schema>;
  readonly #prompter = new Prompter();
  #listening: ReturnType<typeof setInterval> | null = null;
  #wanted = false;
  #loudAt = -Infinity;
  #text = $state("");
  #shown = $state(false);
  #follow = $state(true);
  #at = $state(0);
  #done = $state(0);
  #lines = $state.raw<readonly string[]>([]);

  /** `call` names the call, so that its points are not shown in another. */
  constructor(call: string, media: MediaModel, area: Area) {
    this.#call = call;
    this.#media = media;
    this.#stored = new Stored(area, "visavis.points", schema);
    const kept = this.#stored.read();
    if (kept?.call === call) {
      this.#shown = kept.shown;
      this.#follow = kept.follow;
      this.#take(kept.text);
    }
  }

  /** While there is somebody to speak to. */
  want(on: boolean): void {
    this.#wanted = on;
    this.#listen();
  }

  get text(): string {
    return this.#text;
  }
  set text(text: string) {
    const before = this.#lines.length;
    this.#take(text.slice(0, LONGEST));
    if (before === 0 && this.#lines.length > 0) this.#shown = true; // that is what they are for
    this.#keep();
  }

  /** Next to the lens, if there are any. */
  get visible(): boolean {
    return this.#shown && this.#lines.length > 0;
  }
  get shown(): boolean {
    return this.#shown;
  }
  set shown(on: boolean) {
    this.#shown = on;
    this.#keep();
  }

  /** They go on while this person speaks. */
  get follow(): boolean {
    return this.#follow;
  }
  set follow(on: boolean) {
    this.#follow = on;
    this.#keep();
  }

  get lines(): readonly string[] {
    return this.#lines;
  }
  /** The one at hand, from 0. */
  get at(): number {
    return this.#at;
  }
  /** How much of it is spoken, 0 … 1. */
  get done(): number {
    return this.#done;
  }

  next(): void {
    this.#prompter.next();
    this.#show();
  }

  back(): void {
    this.#prompter.back();
    this.#show();
  }

  close(): void {
    this.want(false);
  }

  #take(text: string): void {
    this.#text = text;
    this.#prompter.setText(text);
    this.#lines = this.#prompter.lines;
    this.#show();
  }

  #show(): void {
    this.#at = this.#prompter.at;
    this.#done = this.#prompter.done;
  }

  #keep(): void {
    const { text, shown, follow } = this;
    this.#stored.write({ v: 1, call: this.#call, text, shown, follow });
    this.#listen();
  }

  #listen(): void {
    const wanted = this.#wanted && this.visible && this.#follow;
    if (wanted === (this.#listening !== null)) return;
    if (this.#listening !== null) clearInterval(this.#listening);
    this.#listening = null;
    if (wanted) this.#listening = setInterval(() => this.#hear(), LOOK_MS);
  }

  #hear(): void {
    const now = performance.now();
    const { micOn, level } = this.#media.now;
    if (micOn && level > LOUD) this.#loudAt = now;
    if (now - this.#loudAt > HOLD_MS) return;
    this.#prompter.spoke(LOOK_MS);
    this.#show();
  }
}
