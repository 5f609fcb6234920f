import type { Scope } from "./scope.ts";

const LOOK_MS = 10_000;
/** Timers of a page in the background run once a minute; who is later than this was asleep. */
const ASLEEP_MS = 90_000;

/**
 * Calls `woken` when the computer or the page has slept: the clock has gone on by far more than the timer was set to. The
 * page may be shown again before its timers run, so that is looked at, too.
 */
export function onWake(scope: Scope, woken: () => void, now: () => number = Date.now): void {
  let last = now();
  const look = (): void => {
    const at = now();
    const slept = at - last > ASLEEP_MS;
    last = at;
    if (slept) woken();
  };
  const again = (): void => {
    look();
    scope.timeout(again, LOOK_MS);
  };
  scope.timeout(again, LOOK_MS);
  if (typeof document === "undefined") return;
  scope.listen(document, "visibilitychange", look);
  scope.listen(document, "resume", look); // Page Lifecycle: a frozen page goes on
}
