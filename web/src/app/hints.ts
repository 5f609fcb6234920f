import type { CameraFinding } from "../engine/checks/camera.ts";
import type { SurroundingsVerdict } from "../engine/checks/surroundings.ts";

export type Hint = SurroundingsVerdict["finding"] | CameraFinding;

/** What is worth a word in the middle of a call. Who has left the picture, or has company, knows it. */
const worth: ReadonlySet<Hint> = new Set<Hint>([
  ...(["dark", "backlit", "clipped", "sidelit", "close", "far", "aside", "high", "low", "tilted"] as const),
  ...(["covered", "frozen"] as const),
]);
const PAUSE_MS = 60_000;
/** Whoever was told and left it so does not want to hear it again soon. */
const AGAIN_MS = 10 * 60_000;

/** Which findings are said in a call, and when: seen twice in a row, one in a minute, the same one hardly ever. */
export class Hints {
  #before: Hint | null = null;
  #saidAt = -Infinity;
  readonly #said = new Map<Hint, number>();

  /** What was found at this moment, ms. True: say it now. */
  take(finding: Hint, at: number): boolean {
    const again = finding === this.#before;
    this.#before = finding;
    if (!again || !worth.has(finding) || at - this.#saidAt < PAUSE_MS) return false;
    if (at - (this.#said.get(finding) ?? -Infinity) < AGAIN_MS) return false;
    this.#said.set(finding, at);
    this.#saidAt = at;
    return true;
  }
}
