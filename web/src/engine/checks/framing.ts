import type { Face } from "../vision/messages.ts";
import type { Verdict } from "./verdict.ts";

/**
 * - `looking`: not looked yet
 * - `nobody`: no face is in the picture
 * - `several`: more than one; nothing is wrong with that, if it is meant
 * - `close`, `far`: from the camera
 * - `aside`: too far left or right
 * - `high`, `low`: in the picture
 * - `tilted`: the head, or the camera
 */
export type FramingFinding =
  "looking" | "nobody" | "several" | "close" | "far" | "aside" | "high" | "low" | "tilted" | "good";
export type FramingVerdict = Verdict<FramingFinding>;

/** Brows to chin, of the picture's height: some 45 to 90 cm away from a laptop's camera. */
const CLOSE = 0.45;
const FAR = 0.22;
/** Of the line through both eyes, from the top. */
const EYES_HIGH = 0.28;
const EYES_LOW = 0.45;
/** From the middle, of the picture's width. */
const ASIDE = 0.12;
const TILTED_DEG = 8;
/** Smaller ones are pictures on the wall. */
const SECOND_FACE = 0.5; // of the first's height

/**
 * Where the person is in the picture, by the faces found in it. `aspect` is its width by its height. Nothing of it is ever
 * worse than fair: whoever wants to be seen in another way, or wears what hides the face, is right.
 */
export function framingVerdict(faces: readonly Face[], aspect: number): FramingVerdict {
  const [face, ...others] = faces.toSorted((a, b) => b.box.height - a.box.height);
  if (!face) return { light: "fair", finding: "nobody" };
  const second = others.filter(({ box }) => box.height > SECOND_FACE * face.box.height).length;
  if (second > 0) return { light: "good", finding: "several", values: { faces: second + 1 } };
  const { rightEye, leftEye } = face.keypoints;
  const values = {
    height: face.box.height,
    x: face.box.x + face.box.width / 2,
    eyes: (rightEye.y + leftEye.y) / 2,
    rollDeg: (Math.atan2(leftEye.y - rightEye.y, (leftEye.x - rightEye.x) * aspect) * 180) / Math.PI,
  };
  const finding = findingOf(values);
  return { light: finding === "good" ? "good" : "fair", finding, values };
}

/** One hint at a time: the one that changes most comes first. */
function findingOf(face: { height: number; x: number; eyes: number; rollDeg: number }): FramingFinding {
  if (face.height > CLOSE) return "close";
  if (face.height < FAR) return "far";
  if (Math.abs(face.x - 0.5) > ASIDE) return "aside";
  if (face.eyes < EYES_HIGH) return "high";
  if (face.eyes > EYES_LOW) return "low";
  return Math.abs(face.rollDeg) > TILTED_DEG ? "tilted" : "good";
}
