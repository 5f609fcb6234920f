import { expect, test } from "vitest";
import type { FramingVerdict } from "./framing.ts";
import type { LightVerdict } from "./light.ts";
import { surroundingsVerdict } from "./surroundings.ts";

const lit: LightVerdict = { light: "good", finding: "good" };
const dim: LightVerdict = { light: "fair", finding: "dark" };
const night: LightVerdict = { light: "poor", finding: "dark" };
const looking: FramingVerdict = { light: "working", finding: "looking" };
const nobody: FramingVerdict = { light: "fair", finding: "nobody" };
const two: FramingVerdict = { light: "good", finding: "several" };

test.each<[string, LightVerdict | null, FramingVerdict | null, string]>([
  ["nothing seen yet", null, looking, "looking"],
  ["faces are not looked for", lit, null, "good"],
  ["the detector still loads", lit, looking, "looking"],
  ["it is dark, whatever the detector will say", dim, looking, "dark"],
  ["nobody is seen in the dark", night, nobody, "dark"],
  ["nobody is seen, and the light is not good either", dim, nobody, "nobody"],
  ["two people in good light", lit, two, "several"],
  ["two people in bad light", dim, two, "dark"],
])("%s", (_, light, framing, finding) => {
  expect(surroundingsVerdict(light, framing).finding).toBe(finding);
});
