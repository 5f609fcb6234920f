import { expect, test } from "vitest";
import { stageOf } from "./stage.ts";

const guest = {
  broken: false,
  question: false,
  locked: false,
  role: "guest",
  phase: "ready",
  entered: false,
  asked: false,
} as const;
const host = { ...guest, role: "host", phase: "alone" } as const;

test.each([
  ["nothing known", { ...guest, phase: null }, "loading"],
  ["a link that cannot be read", { ...guest, phase: null, broken: true }, "broken"],
  ["a link that needs a choice", { ...guest, phase: null, question: true }, "question"],
  ["a host whose password is not on this device", { ...host, phase: null, locked: true }, "own-password"],
  ["a guest who gets ready", guest, "lobby"],
  ["a guest whose password is being checked", { ...guest, phase: "connecting", entered: true }, "lobby"],
  ["a guest at the door", { ...guest, phase: "knocking", entered: true, asked: true }, "waiting"],
  ["a guest whose host went away", { ...guest, phase: "host-away", entered: true, asked: true }, "waiting"],
  ["an admitted guest", { ...guest, phase: "joining", entered: true, asked: true }, "call"],
  ["a reloaded guest", { ...guest, phase: "reconnecting" }, "call"],
  ["a host who gets ready", host, "lobby"],
  ["a host alone in the call", { ...host, entered: true }, "call"],
  ["a host who lost the server before anybody came", { ...host, phase: "connecting", entered: true }, "call"],
  ["the end", { ...host, phase: "ended", entered: true }, "after"],
] as const)("%s: %o shows %s", (_, facts, stage) => {
  expect(stageOf(facts)).toBe(stage);
});
