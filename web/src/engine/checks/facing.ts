import type { Face } from "../vision/messages.ts";

/** How a head is turned, by five points of the face; both are 0 … 1 and more, without a unit of their own. */
export interface Pose {
  /** The nose beside the middle of the eyes, in distances of the eyes: positive to the person's left. */
  readonly turn: number;
  /** The nose below the line of the eyes, as a part of the way to the mouth: more is further down. */
  readonly nod: number;
}

/** The tip of a nose stands out by about half a distance of the eyes: some 15 degrees either way. */
const TURNED = 0.14;
const NODDED = 0.13;
/** Of the person's gaze this is the last minute; less than ten seconds of it say nothing. */
const SPAN_MS = 60_000;
const LEAST_MS = 10_000;
/** A look longer ago than this was the last before a gap: the time since is nobody's. */
const GAP_MS = 3_000;

/** `aspect` is the picture's width by its height. Null for a face whose points cannot be (a profile, a hand before it). */
export function poseOf({ keypoints }: Face, aspect: number): Pose | null {
  const { rightEye, leftEye, nose, mouth } = keypoints;
  const across = { x: (leftEye.x - rightEye.x) * aspect, y: leftEye.y - rightEye.y };
  const eyes = Math.hypot(across.x, across.y);
  if (eyes === 0) return null;
  // Along the line of the eyes, and down from it: a tilted head is turned no further.
  const [ux, uy] = [across.x / eyes, across.y / eyes];
  const from = (point: { x: number; y: number }) => {
    const x = (point.x - (leftEye.x + rightEye.x) / 2) * aspect;
    const y = point.y - (leftEye.y + rightEye.y) / 2;
    return { along: x * ux + y * uy, down: y * ux - x * uy };
  };
  const [n, m] = [from(nose), from(mouth)];
  return m.down > 0.3 * eyes ? { turn: n.along / eyes, nod: n.down / m.down } : null;
}

/** The pose of somebody who looked into the lens for a while: the middle of each. */
export function referenceOf(poses: readonly Pose[]): Pose {
  const middle = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
  return { turn: middle(poses.map((pose) => pose.turn)), nod: middle(poses.map((pose) => pose.nod)) };
}

/**
 * The part of the last minute in which a face was turned to the lens, by what its own pose was when it looked there. It
 * goes by the head: what the eyes alone do, it does not see. Time without a face does not count.
 */
export class FacingMeter {
  readonly #reference: Pose;
  #looks: { at: number; ms: number; facing: boolean }[] = [];
  #before: number | null = null;

  constructor(reference: Pose) {
    this.#reference = reference;
  }

  /** A look at this moment, ms; null: nobody was seen. */
  take(pose: Pose | null, at: number): void {
    const ms = this.#before === null ? 0 : at - this.#before;
    this.#before = pose ? at : null;
    if (pose && ms <= GAP_MS) this.#looks.push({ at, ms, facing: this.#faces(pose) });
    this.#looks = this.#looks.filter((look) => at - look.at < SPAN_MS);
  }

  /** 0 … 1; null while too little was seen. */
  get share(): number | null {
    const sum = (looks: readonly { ms: number }[]) => looks.reduce((all, { ms }) => all + ms, 0);
    const seen = sum(this.#looks);
    return seen < LEAST_MS ? null : sum(this.#looks.filter(({ facing }) => facing)) / seen;
  }

  #faces({ turn, nod }: Pose): boolean {
    return Math.abs(turn - this.#reference.turn) < TURNED && Math.abs(nod - this.#reference.nod) < NODDED;
  }
}
