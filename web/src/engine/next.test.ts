import { expect, test } from "vitest";
import { next, type PhaseEvent } from "./next.ts";
import type { Phase } from "./types.ts";

const phases: readonly Phase[] = [
  "connecting",
  "host-away",
  "password",
  "ready",
  "knocking",
  "held",
  "alone",
  "joining",
  "live",
  "reconnecting",
  "ended",
];
const events: readonly PhaseEvent[] = [
  "line-lost",
  "open",
  "host-away",
  "host-here",
  "password-needed",
  "ready",
  "knocked",
  "held",
  "admitted",
  "bound",
  "media-lost",
  "peer-gone",
  "forgotten",
  "ended",
];

/** Every arc there is; whatever is not listed must be refused. */
const arcs: readonly (readonly [Phase, PhaseEvent, Phase])[] = [
  ["connecting", "line-lost", "connecting"],
  ["connecting", "open", "alone"],
  ["connecting", "host-away", "host-away"],
  ["connecting", "host-here", "connecting"],
  ["connecting", "password-needed", "password"],
  ["connecting", "ready", "ready"],
  ["connecting", "admitted", "joining"],
  ["host-away", "line-lost", "connecting"],
  ["host-away", "host-here", "connecting"],
  ["host-away", "password-needed", "password"],
  ["password", "host-here", "connecting"],
  ["password", "password-needed", "password"],
  ["ready", "line-lost", "connecting"],
  ["ready", "host-away", "host-away"],
  ["ready", "host-here", "connecting"],
  ["ready", "knocked", "knocking"],
  ["knocking", "line-lost", "connecting"],
  ["knocking", "host-away", "host-away"],
  ["knocking", "host-here", "connecting"],
  ["knocking", "held", "held"],
  ["knocking", "admitted", "joining"],
  ["held", "line-lost", "connecting"],
  ["held", "host-away", "host-away"],
  ["held", "host-here", "connecting"],
  ["held", "held", "held"],
  ["held", "admitted", "joining"],
  ["alone", "open", "alone"],
  ["alone", "line-lost", "connecting"],
  ["alone", "admitted", "joining"],
  ["joining", "bound", "live"],
  ["joining", "peer-gone", "alone"],
  ["joining", "forgotten", "ready"],
  ["live", "bound", "live"],
  ["live", "media-lost", "reconnecting"],
  ["live", "peer-gone", "alone"],
  ["live", "forgotten", "ready"],
  ["reconnecting", "bound", "live"],
  ["reconnecting", "media-lost", "reconnecting"],
  ["reconnecting", "peer-gone", "alone"],
  ["reconnecting", "forgotten", "ready"],
];

test.each(arcs)("%s + %s → %s", (phase, event, want) => {
  expect(next(phase, event)).toBe(want);
});

test("everything else is refused", () => {
  for (const phase of phases) {
    for (const event of events) {
      if (event === "ended" || arcs.some(([p, e]) => p === phase && e === event)) continue;
      expect(next(phase, event), `${phase} + ${event}`).toBeNull();
    }
  }
});

test("ended is final, and can be reached from everywhere", () => {
  for (const phase of phases) expect(next(phase, "ended")).toBe(phase === "ended" ? null : "ended");
});
