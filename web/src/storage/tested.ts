import * as v from "valibot";
import { Stored, type Area } from "./store.ts";

const light = v.picklist(["good", "fair", "poor", "unknown"]);

const schema = v.object({
  v: v.literal(1),
  at: v.number(), // ms since the epoch: the latest check
  lights: v.partial(v.object({ mic: light, speaker: light, camera: light, picture: light, network: light })),
  kind: v.nullable(v.pipe(v.string(), v.maxLength(20))), // of network, if the browser tells
});

export type TestedRecord = v.InferOutput<typeof schema>;
export type TestedPart = keyof TestedRecord["lights"];
export type TestedLight = v.InferOutput<typeof light>;

/** What the checks on this device found last. Lights only: no figures, no names of devices. */
export function storedTested(area: Area): Stored<typeof schema> {
  return new Stored(area, "visavis.tested", schema);
}
