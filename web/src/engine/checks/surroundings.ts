import type { FramingVerdict } from "./framing.ts";
import type { LightVerdict } from "./light.ts";

export type SurroundingsVerdict = LightVerdict | FramingVerdict;

/** One hint at a time for light and framing. What cannot be seen for want of light is not blamed on where somebody sits. */
export function surroundingsVerdict(light: LightVerdict | null, framing: FramingVerdict | null): SurroundingsVerdict {
  if (!light) return { light: "working", finding: "looking" };
  if (!framing || light.light === "poor") return light;
  if (framing.light === "fair") return framing;
  return light.finding === "good" ? framing : light;
}
