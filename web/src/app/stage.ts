import type { Phase } from "../engine/types.ts";

/** What the call page shows. `own-password`: a host must say the password of the own call first; `question`: the person must choose. */
export type Stage = "loading" | "broken" | "question" | "own-password" | "lobby" | "waiting" | "call" | "after";

interface Facts {
  broken: boolean; // the link is missing or cannot be read
  question: boolean; // what to do with the link is not clear
  locked: boolean; // there is a link, but no call yet for want of a password
  role: "host" | "guest";
  phase: Phase | null; // null: no call
  entered: boolean; // the person has pressed the button of the lobby
  asked: boolean; // the knock has got as far as the host, or waits for one to come
}

/** Which stage follows from the facts. Pure, so that every combination can be tested. */
export function stageOf({ broken, question, locked, role, phase, entered, asked }: Facts): Stage {
  if (broken) return "broken";
  if (question) return "question";
  if (phase === null) return locked ? "own-password" : "loading";
  switch (phase) {
    case "ended":
      return "after";
    case "joining":
    case "live":
    case "reconnecting":
      return "call";
    case "connecting":
    case "host-away":
    case "password":
    case "ready":
    case "knocking":
    case "held":
    case "alone":
      if (!entered) return "lobby";
      if (role === "host") return "call";
      return asked ? "waiting" : "lobby";
  }
}
