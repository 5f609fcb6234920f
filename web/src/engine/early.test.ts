import { expect, test } from "vitest";
import { Early } from "./early.ts";
import { Scope } from "./scope.ts";

const channel = () => new EventTarget() as RTCDataChannel;
const say = (to: RTCDataChannel, data: unknown) => to.dispatchEvent(new MessageEvent("message", { data }));

test("what comes before its reader is there is kept in order, and nothing after", () => {
  const ctl = channel();
  const early = new Early(ctl, new Scope());
  say(ctl, 1);
  say(ctl, 2);
  expect(early.take()).toEqual([1, 2]);
  say(ctl, 3);
  expect(early.take()).toEqual([]);
});

test("it keeps no more than a few, and nothing of a connection that is closed", () => {
  const [ctl, scope] = [channel(), new Scope()];
  const early = new Early(ctl, scope);
  for (let i = 0; i < 100; i++) say(ctl, i);
  expect(early.take()).toHaveLength(64);
  const large = new Early(ctl, scope);
  for (let i = 0; i < 10; i++) say(ctl, new ArrayBuffer(300_000));
  say(ctl, "x".repeat(2_000_000));
  expect(large.take()).toHaveLength(3);
  const second = new Early(ctl, scope);
  scope.close();
  say(ctl, 1);
  expect(second.take()).toEqual([]);
});
