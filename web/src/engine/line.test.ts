import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Line, type LineConfig } from "./line.ts";
import { FakeSocket, fakeWorld, joined, realWorld, welcome } from "./line.testing.ts";

let line: Line;
let heard: string[];

function open(config: Partial<LineConfig> = {}): void {
  line = new Line({ callId: new Uint8Array(16), ...config });
  heard = [];
  line.on("joined", () => heard.push("joined"));
  line.on("down", () => heard.push("down"));
  line.on("unreachable", () => heard.push("unreachable"));
  line.on("final", (code) => heard.push(code));
  line.start();
}

beforeEach(fakeWorld);

afterEach(() => {
  line.close();
  realWorld();
});

test("a guest joins under a fresh connection id each time", () => {
  open();
  expect(FakeSocket.latest.url).toBe("wss://call.example/ws");
  expect(FakeSocket.latest.protocol).toBe("visavis.v1");
  FakeSocket.latest.say(welcome);
  const first = FakeSocket.latest.sent;
  FakeSocket.latest.say(joined);
  FakeSocket.latest.drop(1006);
  vi.advanceTimersByTime(300);
  FakeSocket.latest.say(welcome);
  const again = FakeSocket.latest.sent;
  expect(first).toEqual([{ type: "join", role: "guest", call: "AAAAAAAAAAAAAAAAAAAAAA", cid: expect.any(String) }]);
  expect(again).toHaveLength(1);
  expect(again).not.toEqual(first);
  expect(heard).toEqual(["joined", "down"]);
});

test("what a server says twice on one connection is heard once", () => {
  open();
  for (const message of [joined, welcome, welcome, joined, joined, welcome]) FakeSocket.latest.say(message);
  expect(FakeSocket.latest.sent).toHaveLength(1);
  expect(heard).toEqual(["joined"]);
});

test("a server of another version is told nothing and not asked again", () => {
  open();
  FakeSocket.latest.say({ ...welcome, version: 2 });
  expect(FakeSocket.latest.sent).toEqual([]);
  expect(FakeSocket.latest.readyState).toBe(3);
  vi.advanceTimersByTime(60_000);
  expect(FakeSocket.all).toHaveLength(1);
  expect(heard).toEqual(["E_VERSION"]);
});

test("a host registers its call once, and signs each join", () => {
  open({ host: { serverPub: new Uint8Array(32), ttlMs: 1000, sign: () => new Uint8Array(64) } });
  FakeSocket.latest.say(welcome);
  expect(FakeSocket.latest.sent).toMatchObject([
    { type: "create", ttl_ms: 1000 },
    { type: "join", role: "host" },
  ]);
  FakeSocket.latest.say(joined);
  FakeSocket.latest.drop(1006);
  vi.advanceTimersByTime(300);
  FakeSocket.latest.say(welcome);
  expect(FakeSocket.latest.sent).toMatchObject([{ type: "join", role: "host" }]);
});

test("backs off while the server is away, and starts over once it was there", () => {
  open();
  for (const wait of [300, 600, 1200]) {
    FakeSocket.latest.drop(1006);
    const count = FakeSocket.all.length;
    vi.advanceTimersByTime(wait - 1);
    expect(FakeSocket.all).toHaveLength(count);
    vi.advanceTimersByTime(1);
    expect(FakeSocket.all).toHaveLength(count + 1);
  }
  FakeSocket.latest.say(welcome);
  FakeSocket.latest.say(joined);
  FakeSocket.latest.drop(1006);
  const count = FakeSocket.all.length;
  vi.advanceTimersByTime(300);
  expect(FakeSocket.all).toHaveLength(count + 1);
});

test("comes back when a server that goes away said it would be there", () => {
  open();
  FakeSocket.latest.say(welcome);
  FakeSocket.latest.say(joined);
  FakeSocket.latest.say({ type: "going_away", retry_ms: 5000 });
  FakeSocket.latest.drop(1012);
  vi.advanceTimersByTime(5_999);
  expect(FakeSocket.all).toHaveLength(1);
  vi.advanceTimersByTime(1);
  expect(FakeSocket.all).toHaveLength(2);
});

test("says so when the server has been away for a while, once", () => {
  open();
  FakeSocket.latest.drop(1006);
  vi.advanceTimersByTime(3_000);
  expect(heard).toEqual([]);
  vi.advanceTimersByTime(60_000);
  expect(heard).toEqual(["unreachable"]);
});

test.each([
  [4000, null, "E_GONE"],
  [4001, "E_REPLACED", "E_REPLACED"],
  [4002, null, "E_DENIED"],
  [4003, "E_BUSY", "E_BUSY"],
  [4004, null, "E_RATE"],
  [4005, null, "E_SIZE"],
  [4006, null, "E_TIMEOUT"],
  [4099, null, "E_INTERNAL"],
])("close code %i is final", (code, refusal, want) => {
  open();
  FakeSocket.latest.say(welcome);
  if (refusal) FakeSocket.latest.say({ type: "error", code: refusal });
  FakeSocket.latest.drop(code);
  vi.advanceTimersByTime(600_000);
  expect(FakeSocket.all).toHaveLength(1);
  expect(heard).toEqual([want]);
});

test("close code 4100 (read too slowly) is not", () => {
  open();
  FakeSocket.latest.say(welcome);
  FakeSocket.latest.say(joined);
  FakeSocket.latest.drop(4100);
  vi.advanceTimersByTime(300);
  expect(FakeSocket.all).toHaveLength(2);
});

test("a refusal that the call wants to sit out is tried again", () => {
  open({ retry: (code) => code === "E_BUSY" });
  FakeSocket.latest.say(welcome);
  FakeSocket.latest.say({ type: "error", code: "E_BUSY" });
  FakeSocket.latest.drop(4003);
  vi.advanceTimersByTime(300);
  expect(FakeSocket.all).toHaveLength(2);
  expect(heard).toEqual([]);
});

test.each([["nothing"], ["welcome", welcome], ["welcome and joined", welcome, joined]])(
  "a server that says %s and no more is away, and tried again",
  (_, ...said) => {
    open();
    for (const message of said) FakeSocket.latest.say(message as object);
    vi.advanceTimersByTime(10_000);
    expect(heard).toContain("unreachable");
    expect(FakeSocket.all).toHaveLength(1);
    vi.advanceTimersByTime(400);
    expect(FakeSocket.all).toHaveLength(2);
    FakeSocket.latest.say(welcome);
    FakeSocket.latest.say(joined);
    FakeSocket.latest.say({ type: "host", online: false });
    vi.advanceTimersByTime(60_000);
    expect(FakeSocket.all).toHaveLength(2);
  },
);

test("nothing happens after close", () => {
  open();
  FakeSocket.latest.drop(1006);
  line.close();
  vi.advanceTimersByTime(600_000);
  expect(FakeSocket.all).toHaveLength(1);
  expect(heard).toEqual([]);
});

test("frames carry their slot in front", () => {
  open();
  FakeSocket.latest.say(welcome);
  line.sendFrame(258, Uint8Array.of(7, 8));
  expect(FakeSocket.latest.sent.at(-1)).toEqual(Uint8Array.of(1, 2, 7, 8));
});

test("a connection that is waited for is tried at once, one that hangs is replaced", async () => {
  open();
  FakeSocket.latest.say(welcome);
  FakeSocket.latest.say(joined);
  FakeSocket.latest.drop(1006);
  line.check();
  expect(FakeSocket.all).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(500);
  line.check();
  await vi.advanceTimersByTimeAsync(100);
  expect(FakeSocket.all).toHaveLength(3);
});
