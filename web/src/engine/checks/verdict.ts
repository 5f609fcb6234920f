/** A light of the checks before a call; `working` while it is still being measured, `unknown` when it cannot be. */
export type Light = "working" | "good" | "fair" | "poor" | "unknown";

/**
 * What a check has found. The finding is a stable key: the page has one sentence of advice for each, in every language.
 * Values are what was measured, with the unit in the name (`snrDb`), for who wants to know more.
 */
export interface Verdict<F extends string> {
  readonly light: Light;
  readonly finding: F;
  readonly values?: Readonly<Record<string, number>>;
}

/** From what needs no attention to what needs it most. */
const order: readonly Light[] = ["good", "unknown", "working", "fair", "poor"];

/** The light that stands for all of these; good when there are none. */
export function dimmest(lights: readonly Light[]): Light {
  return lights.reduce((a, b) => (order.indexOf(b) > order.indexOf(a) ? b : a), "good");
}
