import { expect, test } from "vitest";
import type { Chat, ChatAck } from "../protocol/sealed.gen.ts";
import { ChatLog } from "./chatlog.ts";
import type { CallState } from "./state.ts";

test("only what is shown is acknowledged, twice if it comes twice", () => {
  const shown: string[] = [];
  const acknowledged: string[] = [];
  const state = { addChat: ({ id }: { id: string }) => shown.push(id) } as unknown as CallState;
  const log = new ChatLog(state, (m: Chat | ChatAck) => acknowledged.push(m.id) > 0);
  for (let n = 0; n < 1_001; n++) log.receive({ t: "chat", id: `${n}`, text: "x" });
  log.receive({ t: "chat", id: "0", text: "x" });
  expect(shown).toHaveLength(1_000);
  expect(acknowledged).toEqual([...shown, "0"]);
});
