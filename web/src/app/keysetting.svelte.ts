import * as v from "valibot";
import { Stored, type Area } from "../storage/store.ts";

/** Whether single letters are shortcuts in a call: people who dictate need them off (WCAG 2.1.4). */
export class KeySetting {
  readonly #stored: Stored<v.GenericSchema<unknown, boolean>>;
  #enabled = $state(true);

  constructor(area: Area) {
    this.#stored = new Stored(area, "visavis.keys", v.boolean());
    this.#enabled = this.#stored.read() ?? true;
  }

  get enabled(): boolean {
    return this.#enabled;
  }

  set enabled(on: boolean) {
    this.#enabled = on;
    this.#stored.write(on);
  }
}
