import type { MediaProblem } from "./types.ts";

/**
 * Says why getUserMedia failed. Browsers share the error names (W3C
 * mediacapture-streams) but put the finer reason into the message, if anywhere.
 */
export function mediaProblem(error: unknown, permission: PermissionState | null): MediaProblem {
  const name = error instanceof Error || error instanceof DOMException ? error.name : "";
  const message = error instanceof Error || error instanceof DOMException ? error.message : "";
  switch (name) {
    case "NotAllowedError":
    case "PermissionDeniedError": // Chromium before 2019
      // Chromium: "Permission denied by system"; Safari and Firefox name the platform.
      if (/by system|platform/i.test(message) && permission !== "denied") return "os-blocked";
      if (/dismissed/i.test(message) || permission === "prompt") return "dismissed";
      return "blocked";
    case "SecurityError": // Firefox: switched off for this page by policy
      return "blocked";
    case "NotFoundError":
    case "DevicesNotFoundError":
    case "OverconstrainedError": // the chosen device is gone
      return "none";
    case "NotReadableError":
    case "TrackStartError":
    case "AbortError":
      return /permission denied by system/i.test(message) ? "os-blocked" : "in-use";
    case "TypeError":
    case "NotSupportedError":
      return "unsupported";
    default:
      return "unknown";
  }
}

/** What is wrong before any device is asked for; null if nothing is. */
export function mediaUnavailable(scope: { isSecureContext: boolean; mediaDevices: unknown }): MediaProblem | null {
  if (!scope.isSecureContext) return "insecure";
  return scope.mediaDevices ? null : "unsupported";
}

const refusals: ReadonlySet<MediaProblem> = new Set(["blocked", "dismissed", "os-blocked"]);

/** Somebody, or the system, has said no: asking again at once would only annoy. */
export function isRefusal(problem: MediaProblem | null): boolean {
  return problem !== null && refusals.has(problem);
}
