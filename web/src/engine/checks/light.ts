import type { Box, Grey } from "../vision/messages.ts";
import type { Verdict } from "./verdict.ts";

/**
 * - `dark`: too little light on the face, or anywhere
 * - `backlit`: what is behind the face is much brighter than the face
 * - `clipped`: too much light: white without any drawing
 * - `sidelit`: one half of the face is much brighter than the other
 * - `grainy`: the camera amplifies too little light, and its noise shows
 */
export type LightFinding = "dark" | "backlit" | "clipped" | "sidelit" | "grainy" | "good";
export type LightVerdict = Verdict<LightFinding>;

/** All levels are of 0…255. A face is well lit from here to there. */
const FACE_DIM = 90;
const FACE_BRIGHT = 200;
/** Below, eyes and mouth are hard to make out. */
const FACE_BLACK = 50;
/** Of a whole picture without a face in it. */
const PICTURE_DIM = 70;
const PICTURE_BLACK = 40;
/** From here on a camera shows no differences. */
const WHITE = 250;
const WHITE_SHARE_FACE = 0.1;
const WHITE_SHARE_PICTURE = 0.35;
/** A background that glares: a window, a lamp. */
const GLARE = 240;
const GLARE_SHARE = 0.1;
const BACKGROUND_BRIGHT = 190;
/** Face to background. Dark skin before a white wall is no light from behind: the first limits count only if it glares. */
const AGAINST_GLARE = 0.8;
const AGAINST_GLARE_POOR = 0.5;
const AGAINST_ANYTHING = 0.35;
/** The brighter half of a face to the darker. */
const SIDES = 1.6;
/** Standard deviation of a pixel from one picture to the next. */
const GRAIN = 6;

interface Patch {
  readonly mean: number;
  readonly white: number; // share
  readonly glare: number; // share
}

type Inside = (x: number, y: number) => boolean;

/**
 * What the light is like, by a small picture and the place of the face in it (none: of the picture as a whole). `grain` is
 * what {@link grainOf} says of two pictures. Skin has many shades: what counts is mostly the face beside what is behind it.
 */
export function lightVerdict(picture: Grey, face: Box | null, grain = 0): LightVerdict {
  const verdict = face ? ofFace(picture, face) : ofPicture(picture);
  return verdict.finding === "good" && grain > GRAIN
    ? { light: "fair", finding: "grainy", values: { ...verdict.values, grain } }
    : verdict;
}

function ofFace(picture: Grey, face: Box): LightVerdict {
  const skin = within(face, 0.1);
  const middle = face.x + face.width / 2;
  const { mean: faceLuma, white } = patch(picture, skin);
  const left = patch(picture, (x, y) => skin(x, y) && x < middle).mean;
  const right = patch(picture, (x, y) => skin(x, y) && x >= middle).mean;
  const behind = patch(picture, (x, y) => !person(face, x, y));
  const ratio = faceLuma / Math.max(1, behind.mean);
  const sideRatio = Math.max(left, right) / Math.max(1, Math.min(left, right));
  const values = { faceLuma, backgroundLuma: behind.mean, clippedShare: white, sideRatio };
  const glares = behind.glare > GLARE_SHARE || behind.mean > BACKGROUND_BRIGHT;

  if (ratio < AGAINST_ANYTHING || (glares && ratio < AGAINST_GLARE)) {
    return { light: glares && ratio < AGAINST_GLARE_POOR ? "poor" : "fair", finding: "backlit", values };
  }
  // A face that is darker than its surroundings by a little is as bright as they are lit: judge the light, not the skin.
  const lit = Math.max(faceLuma, Math.min(behind.mean, faceLuma * 1.5));
  if (lit < FACE_DIM) return { light: lit < FACE_BLACK ? "poor" : "fair", finding: "dark", values };
  if (faceLuma > FACE_BRIGHT || white > WHITE_SHARE_FACE) {
    return { light: white > 3 * WHITE_SHARE_FACE ? "poor" : "fair", finding: "clipped", values };
  }
  if (sideRatio > SIDES) return { light: "fair", finding: "sidelit", values };
  return { light: "good", finding: "good", values };
}

/** Where a face would be, against the edges. */
function ofPicture(picture: Grey): LightVerdict {
  const all = patch(picture, () => true);
  const central: Inside = (x, y) => Math.abs(x - 0.5) < 0.2 && y > 0.2;
  const centre = patch(picture, central).mean;
  const edges = patch(picture, (x, y) => !central(x, y));
  const values = { pictureLuma: all.mean, clippedShare: all.white };
  if (all.mean < PICTURE_DIM) return { light: all.mean < PICTURE_BLACK ? "poor" : "fair", finding: "dark", values };
  const glares = edges.glare > GLARE_SHARE || edges.mean > BACKGROUND_BRIGHT;
  if (glares && centre < AGAINST_GLARE_POOR * edges.mean) return { light: "fair", finding: "backlit", values };
  if (all.white > WHITE_SHARE_PICTURE) return { light: "fair", finding: "clipped", values };
  return { light: "good", finding: "good", values };
}

/**
 * How much a pixel changes by chance, from two pictures in a row: the middle one of all differences, so that somebody who
 * moves before a wall does not count. Pictures must be thinned out, not averaged, or their noise is gone.
 */
export function grainOf(a: Grey, b: Grey): number {
  const counts = new Uint32Array(256);
  const length = Math.min(a.pixels.length, b.pixels.length);
  for (let i = 0; i < length; i++) {
    const step = Math.abs((a.pixels[i] as number) - (b.pixels[i] as number));
    counts[step] = (counts[step] as number) + 1;
  }
  let [seen, median] = [0, 0];
  while (median < 255 && (seen += counts[median] as number) < length / 2) median++;
  // The median of |x - y| for two normal values of deviation 1 is 0.954.
  return median / 0.954;
}

function within({ x, y, width, height }: Box, margin: number): Inside {
  const [left, top] = [x + margin * width, y + margin * height];
  const [right, bottom] = [x + (1 - margin) * width, y + (1 - margin) * height];
  return (px, py) => px >= left && px < right && py >= top && py < bottom;
}

/** Head with its hair, and shoulders below. */
function person(face: Box, x: number, y: number): boolean {
  const head = Math.abs(x - face.x - face.width / 2) < face.width && y > face.y - 0.7 * face.height;
  const shoulders = Math.abs(x - face.x - face.width / 2) < 2 * face.width && y > face.y + face.height;
  return head || shoulders;
}

function patch({ width, height, pixels }: Grey, inside: Inside): Patch {
  let [count, sum, white, glare] = [0, 0, 0, 0];
  for (let row = 0, i = 0; row < height; row++) {
    for (let column = 0; column < width; column++, i++) {
      if (!inside((column + 0.5) / width, (row + 0.5) / height)) continue;
      const luma = pixels[i] as number;
      count++;
      sum += luma;
      if (luma >= WHITE) white++;
      if (luma >= GLARE) glare++;
    }
  }
  const n = Math.max(1, count);
  return { mean: sum / n, white: white / n, glare: glare / n };
}
