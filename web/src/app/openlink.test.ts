import { describe, expect, test } from "vitest";
import { newLink, Link } from "../engine/e2ee/link.ts";
import type { CallRecord } from "../storage/calls.ts";
import { readPasted } from "./openlink.ts";

const origin = "https://call.example";
const bytes = (length: number) => new Uint8Array(length).fill(7);
const guest = new Link("guest", 0, bytes(48));
const host = newLink(bytes, 0);

function record(part: Partial<CallRecord>): CallRecord {
  return {
    id: "0".repeat(32),
    role: "host",
    fragment: host.fragment(),
    guest: guest.fragment(),
    password: null,
    title: "",
    peer: "",
    createdAt: 0,
    lastAt: 0,
    expiresAt: null,
    ended: false,
    waitingRoom: true,
    limitMs: null,
    oneTime: true,
    relayOnly: false,
    ...part,
  };
}

describe("readPasted", () => {
  const link = guest.url(origin);
  test.each([
    ["", "empty"],
    ["   \n", "empty"],
    [link, "guest"],
    [guest.fragment(), "guest"],
    [`#${guest.fragment()}`, "guest"],
    [`  <${link}>. `, "guest"], // as mail programs quote it
    [`${link.slice(0, 40)}\n${link.slice(40)}`, "guest"], // as they wrap it
    [host.url(origin), "host"],
    [guest.url("https://other.example"), "elsewhere"],
    [`${origin}/c`, "no-secret"],
    [`${origin}/c#`, "no-secret"],
    [link.slice(0, -3), "malformed"],
    [`${link}A`, "malformed"],
    [origin, "malformed"],
    ["hello there", "malformed"],
    ["hello", "malformed"], // begins like a host link
    ["javascript:alert(1)", "malformed"],
    ["https://", "malformed"],
    [`gAg${guest.fragment().slice(3)}`, "version"],
  ])("%j is %s", (text, kind) => {
    expect(readPasted(text, origin, []).kind).toBe(kind);
  });

  test("a guest link goes on as its code alone", () => {
    expect(readPasted(link, origin, [])).toEqual({ kind: "guest", fragment: guest.fragment() });
  });

  test("the guest link of one's own call is recognised", () => {
    const own = record({});
    expect(readPasted(link, origin, [own])).toEqual({ kind: "own", call: own });
    expect(readPasted(link, origin, [record({ role: "guest" })]).kind).toBe("guest");
  });
});
