import type { Phase } from "./types.ts";

/** What can happen to a call, as far as its phase is concerned. */
export type PhaseEvent =
  | "line-lost" // the server cannot be reached
  | "open" // host: the call is open, nobody is in it
  | "host-away" // guest: the host is not connected
  | "host-here" // guest: it is; the handshake runs
  | "password-needed"
  | "ready" // guest: the handshake has proven the host
  | "knocked"
  | "held"
  | "admitted"
  | "bound" // media flows and is proven to be theirs
  | "media-lost"
  | "peer-gone" // host: the guest has left for good
  | "forgotten" // guest: the host came back and does not know us any more
  | "ended";

const arcs: Record<Phase, Partial<Record<PhaseEvent, Phase>>> = {
  connecting: {
    "line-lost": "connecting",
    open: "alone",
    "host-away": "host-away",
    "host-here": "connecting",
    "password-needed": "password",
    ready: "ready",
    admitted: "joining", // a reload: the seat was already theirs
  },
  "host-away": { "line-lost": "connecting", "host-here": "connecting", "password-needed": "password" },
  password: { "host-here": "connecting", "password-needed": "password" },
  ready: { "line-lost": "connecting", "host-away": "host-away", "host-here": "connecting", knocked: "knocking" },
  knocking: {
    "line-lost": "connecting",
    "host-away": "host-away",
    "host-here": "connecting",
    held: "held",
    admitted: "joining",
  },
  held: {
    "line-lost": "connecting",
    "host-away": "host-away",
    "host-here": "connecting",
    held: "held",
    admitted: "joining",
  },
  alone: { open: "alone", "line-lost": "connecting", admitted: "joining" },
  // From here on media carries the call: the server may come and go.
  joining: { bound: "live", "peer-gone": "alone", forgotten: "ready" },
  live: { bound: "live", "media-lost": "reconnecting", "peer-gone": "alone", forgotten: "ready" },
  reconnecting: { bound: "live", "media-lost": "reconnecting", "peer-gone": "alone", forgotten: "ready" },
  ended: {},
};

/** Returns the phase that follows, or null if the event means nothing in this phase. */
export function next(phase: Phase, event: PhaseEvent): Phase | null {
  if (event === "ended" && phase !== "ended") return "ended";
  return arcs[phase][event] ?? null;
}
