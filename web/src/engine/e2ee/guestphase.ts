import type { Control } from "./control.ts";
import type { Standing } from "./sealed.ts";

/**
 *   idle ──host online──▶ proving ──M1…M4──▶ ready ──knock──▶ knocked ──admit──▶ admitted
 *
 * From ready on, a lost connection leads back to idle with a resume state; every
 * error leads to failed; a wrong or missing password to needs-password. Over is
 * final: refused, or hung up.
 */
export type Phase = "idle" | "needs-password" | "proving" | "ready" | "knocked" | "admitted" | "failed" | "over";

export function standing(phase: Phase): Standing {
  return phase === "admitted" || phase === "over" ? phase : "waiting";
}

/** Whether there is a session to lose. */
function proven(phase: Phase): boolean {
  return phase === "ready" || phase === "knocked" || phase === "admitted";
}

/**
 * What a host's note means in this phase. It proves only that its sender has the
 * link, so it can end things, and that is all. confirmed: M3 was sent.
 */
export function noteMeans(
  note: Control,
  phase: Phase,
  confirmed: boolean,
  restarts: number,
): "over" | "restart" | "refused" | "needs-password" | "fail" | "nothing" {
  const lostThread = note.code === "E_CONFIRM" || note.code === "E_PARSE";
  if (note.t !== "abort") {
    if (phase !== "proving") return "nothing";
    return note.t === "busy" ? "fail" : "needs-password";
  }
  if (note.code === "E_DENIED" || note.code === "E_GONE") return "over";
  if (lostThread && proven(phase)) return "restart";
  if (lostThread && confirmed) return "refused";
  // It crossed our new M1: both sides saw the same broken session.
  if (lostThread && phase === "proving" && restarts > 0) return "nothing";
  return proven(phase) || phase === "proving" ? "fail" : "nothing";
}
