import { expect, test } from "vitest";
import type { Chat, ChatAck } from "../protocol/sealed.gen.ts";
import { ChatLog } from "./chatlog.ts";
import type { CallState } from "./state.ts";

test("only what is shown is acknowledged, twice if it comes twice", () => {
  const shown: string[] = [];
  const acknowledged: string[] = [];
  const state = { view: { chat: [] }, addChat: ({ id }: { id: string }) => shown.push(id) } as unknown as CallState;
  const log = new ChatLog(state, (m: Chat | ChatAck) => acknowledged.push(m.id) > 0);
  for (let n = 0; n < 1_001; n++) log.receive({ t: "chat", id: `${n}`, text: "x" });
  log.receive({ t: "chat", id: "0", text: "x" });
  expect(shown).toHaveLength(1_000);
  expect(acknowledged).toEqual([...shown, "0"]);
});

test("a line that was shown before a reload is acknowledged again, and not shown twice", () => {
  const shown: string[] = [];
  const said: object[] = [];
  const line = { text: "x", at: 0, delivered: true };
  const chat = [
    { ...line, id: "theirs", mine: false },
    { ...line, id: "mine", mine: true, delivered: false },
  ];
  const state = { view: { chat }, addChat: ({ id }: { id: string }) => shown.push(id) } as unknown as CallState;
  const log = new ChatLog(state, (m: Chat | ChatAck) => said.push(m) > 0);
  log.resend();
  log.receive({ t: "chat", id: "theirs", text: "x" });
  log.receive({ t: "chat", id: "new", text: "x" });
  expect(said).toEqual([
    { t: "chat", id: "mine", text: "x" },
    { t: "chat-ack", id: "theirs" },
    { t: "chat-ack", id: "new" },
  ]);
  expect(shown).toEqual(["new"]);
});
