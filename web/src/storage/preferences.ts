import * as v from "valibot";
import { Stored, type Area } from "./store.ts";

export const appearances = ["dark", "light", "system"] as const;
export type Appearance = (typeof appearances)[number];

export const noiseModes = ["browser", "strong", "off"] as const;

export const lensPlaces = ["top", "left", "right", "bottom"] as const;

export type LensPlace = (typeof lensPlaces)[number];

/** Help with one's own picture in a call. `pose`: of the head when it looks into the lens. */
const presence = v.object({
  near: v.boolean(),
  lens: v.picklist(lensPlaces),
  meter: v.boolean(),
  pose: v.nullable(v.object({ turn: v.number(), nod: v.number() })),
  hints: v.boolean(),
});
const noPresence: v.InferOutput<typeof presence> = { near: false, lens: "top", meter: false, pose: null, hints: true };

const label = v.pipe(v.string(), v.maxLength(200));

const schema = v.object({
  v: v.literal(1),
  locale: v.fallback(v.nullable(v.pipe(v.string(), v.maxLength(35))), null),
  appearance: v.fallback(v.picklist(appearances), "dark"),
  name: v.fallback(v.pipe(v.string(), v.maxLength(64)), ""),
  relayOnly: v.fallback(v.boolean(), false),
  dataSaver: v.fallback(v.boolean(), false),
  audioOnly: v.fallback(v.boolean(), false),
  releaseMic: v.fallback(v.optional(v.boolean(), false), false),
  // What is done to the camera's picture; ids of app/effects.svelte.ts.
  backdrop: v.fallback(v.optional(v.pipe(v.string(), v.maxLength(32)), "none"), "none"),
  light: v.fallback(v.optional(v.boolean(), false), false),
  // The path is opened while somebody waits: off only to measure what that brings.
  rehearse: v.fallback(v.optional(v.boolean(), true), true),
  noise: v.fallback(v.optional(v.picklist(noiseModes), "browser"), "browser"),
  presence: v.fallback(v.optional(presence, noPresence), noPresence),
  // Devices by label: ids change with the site's storage.
  devices: v.fallback(v.record(v.picklist(["mic", "camera", "speaker"]), label), {}),
});

export type PreferencesRecord = v.InferOutput<typeof schema>;

/** What this device remembers about its user. Never sent anywhere. */
export function storedPreferences(area: Area): Stored<typeof schema> {
  return new Stored(area, "visavis.preferences", schema);
}

export const noPreferences: PreferencesRecord = {
  v: 1,
  locale: null,
  appearance: "dark",
  name: "",
  relayOnly: false,
  dataSaver: false,
  audioOnly: false,
  releaseMic: false,
  backdrop: "none",
  light: false,
  rehearse: true,
  noise: "browser",
  presence: noPresence,
  devices: {},
};
