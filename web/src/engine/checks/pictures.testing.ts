import type { Box, Face, Grey } from "../vision/messages.ts";
import { random } from "./signals.testing.ts";

/** Pictures for tests, as the checks see them: brightness at each place (0…1 from left and top), the same in every run. */
export function picture(at: (x: number, y: number) => number, width = 160, height = 90): Grey {
  const pixels = Uint8ClampedArray.from({ length: width * height }, (_, i) =>
    at(((i % width) + 0.5) / width, (Math.floor(i / width) + 0.5) / height),
  );
  return { width, height, pixels };
}

/** With noise of this deviation, as a sensor's. */
export function grainy({ width, height, pixels }: Grey, deviation: number, seed = 1): Grey {
  const next = random(seed);
  const normal = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  return { width, height, pixels: pixels.map((value) => Math.round(value + deviation * normal())) };
}

/** Where most faces are. */
export const box: Box = { x: 0.42, y: 0.2, width: 0.16, height: 0.3 };

/** An egg of this brightness, from left to right, with darker clothes, before that. */
export function person(face: (x: number) => number, behind: (x: number, y: number) => number): Grey {
  const [cx, cy] = [box.x + box.width / 2, box.y + box.height / 2];
  return picture((x, y) => {
    if (((x - cx) / (box.width * 0.6)) ** 2 + ((y - cy) / (box.height * 0.65)) ** 2 < 1) return face(x);
    if (y > box.y + box.height && Math.abs(x - cx) < box.width * 1.5) return face(x) * 0.6;
    return behind(x, y);
  });
}

/** A face with its eyes where eyes are, turned by this many degrees, in a picture of 16 by 9. */
export function face(place: Partial<Box> = {}, rollDeg = 0): Face {
  const at = { ...box, ...place };
  const [x, y] = [at.x + at.width / 2, at.y + at.height * 0.35];
  const half = at.width * 0.22;
  const [dx, dy] = [half * Math.cos((rollDeg * Math.PI) / 180), half * Math.sin((rollDeg * Math.PI) / 180) * (16 / 9)];
  const rest = { x, y: at.y + at.height * 0.7 };
  return {
    box: at,
    keypoints: {
      rightEye: { x: x - dx, y: y - dy },
      leftEye: { x: x + dx, y: y + dy },
      ...{ nose: rest, mouth: rest, rightEar: rest, leftEar: rest },
    },
    score: 0.9,
  };
}
