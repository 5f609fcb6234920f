import { describe, expect, test } from "vitest";
import { CallBook, callLimit, isOver, type CallRecord } from "./calls.ts";
import { memoryArea, openArea, type Area } from "./store.ts";

function record(n: number, part: Partial<CallRecord> = {}): CallRecord {
  return {
    id: n.toString(16).padStart(32, "0"),
    role: "host",
    fragment: `h${"A".repeat(46)}`,
    guest: `g${"A".repeat(67)}`,
    password: null,
    title: `call ${n}`,
    peer: "",
    createdAt: n,
    lastAt: n,
    expiresAt: null,
    ended: false,
    waitingRoom: true,
    limitMs: null,
    oneTime: true,
    relayOnly: false,
    ...part,
  };
}

describe("CallBook", () => {
  test("newest first, one record for each call", () => {
    const book = new CallBook(memoryArea());
    book.put(record(1));
    book.put(record(2));
    book.put(record(1, { lastAt: 3, peer: "Ada" }));
    expect(book.all().map((call) => [call.id.at(-1), call.peer])).toEqual([
      ["1", "Ada"],
      ["2", ""],
    ]);
    book.remove(record(1).id);
    expect(book.all().map((call) => call.title)).toEqual(["call 2"]);
  });

  test("forgets the oldest beyond the limit", () => {
    const book = new CallBook(memoryArea());
    for (let n = 0; n <= callLimit; n++) book.put(record(n));
    expect(book.all()).toHaveLength(callLimit);
    expect(book.get(record(0).id)).toBeNull();
    expect(book.get(record(callLimit).id)).not.toBeNull();
  });

  test("drops what is broken and keeps the rest", () => {
    const area = memoryArea();
    const calls = [record(1), { ...record(2), fragment: "https://elsewhere/" }, null, 7];
    area.setItem("visavis.calls", JSON.stringify({ v: 1, calls }));
    expect(new CallBook(area).all()).toEqual([record(1)]);
  });

  test.each(["", "{", "[]", '{"v":2,"calls":[]}', '{"v":1}'])("reads %j as no calls", (text) => {
    const area = memoryArea();
    area.setItem("visavis.calls", text);
    expect(new CallBook(area).all()).toEqual([]);
  });

  test("lives without storage", () => {
    const full: Area = {
      getItem: () => null,
      setItem: () => {
        throw new DOMException("full", "QuotaExceededError");
      },
      removeItem: () => undefined,
    };
    expect(() => new CallBook(full).put(record(1))).not.toThrow();
    const forbidden = openArea(() => {
      throw new DOMException("denied", "SecurityError");
    });
    forbidden.setItem("a", "b");
    expect(forbidden.getItem("a")).toBe("b");
  });
});

test("a link is over when it has ended or expired", () => {
  expect(isOver(record(1), 100)).toBe(false);
  expect(isOver(record(1, { expiresAt: 101 }), 100)).toBe(false);
  expect(isOver(record(1, { expiresAt: 100 }), 100)).toBe(true);
  expect(isOver(record(1, { ended: true }), 100)).toBe(true);
});
