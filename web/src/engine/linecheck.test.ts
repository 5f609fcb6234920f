import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Line, type LineConfig } from "./line.ts";
import { FakeSocket, away, ice, fakeWorld, joined, realWorld, welcome } from "./line.testing.ts";

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

/** What tells of networks in a browser. */
function networks(onLine = true): EventTarget {
  const target = new EventTarget();
  vi.stubGlobal("navigator", { onLine });
  for (const name of ["addEventListener", "removeEventListener"] as const)
    vi.stubGlobal(name, target[name].bind(target));
  return target;
}

beforeEach(fakeWorld);

afterEach(() => {
  line.close();
  realWorld();
});

/** A guest with its seat, on the socket that is returned. */
function seated(seat?: string): FakeSocket {
  open();
  const socket = FakeSocket.latest;
  socket.say(welcome);
  socket.say({ ...joined, ...(seat && { seat }) });
  socket.say(away); // or a guest's connection counts as mute
  return socket;
}

const joins = (socket: FakeSocket) => socket.sent.filter((m) => (m as { type: string }).type === "join");
const alive = () => FakeSocket.all.filter((s) => s.readyState !== 3);

test("a guest shows the seat it was given last, once, and none that is too old", () => {
  open();
  for (const [seat, shown] of [
    ["BwcHBwcHBwcHBwcHBwcHBw"],
    ["CAgICAgICAgICAgICAgICA", "BwcHBwcHBwcHBwcHBwcHBw"],
    [undefined, "CAgICAgICAgICAgICAgICA"],
    [],
  ]) {
    const socket = FakeSocket.latest;
    socket.say(welcome);
    expect(joins(socket)).toEqual([
      { type: "join", role: "guest", call: "A".repeat(22), cid: expect.any(String), ...(shown && { seat: shown }) },
    ]);
    socket.say({ ...joined, ...(seat && { seat }) });
    socket.drop(1006);
    vi.advanceTimersByTime(300);
  }
});

test("a host shows no seat, whatever it is given", () => {
  open({ host: { serverPub: new Uint8Array(32), ttlMs: 1000, sign: () => new Uint8Array(64) } });
  FakeSocket.latest.say(welcome);
  FakeSocket.latest.say({ ...joined, seat: "BwcHBwcHBwcHBwcHBwcHBw" });
  FakeSocket.latest.drop(1006);
  vi.advanceTimersByTime(300);
  FakeSocket.latest.say(welcome);
  expect(FakeSocket.latest.sent.at(-1)).not.toHaveProperty("seat");
});

test("a server that answers keeps its connection, and the second is closed without a word", async () => {
  const first = seated();
  line.check();
  line.check(); // asked already
  expect(first.sent.filter((m) => (m as { type: string }).type === "renew")).toHaveLength(1);
  expect(FakeSocket.all).toHaveLength(2);
  const second = FakeSocket.latest;
  second.say(welcome);
  await vi.advanceTimersByTimeAsync(299);
  first.say(ice);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(second.sent).toEqual([]);
  expect(alive()).toEqual([first]);
  expect(heard).toEqual(["joined"]);
});

test("a refusal is a sign of life, too", async () => {
  const first = seated();
  line.check();
  first.say({ type: "error", code: "E_STATE" }); // a guest that waits has no relay
  await vi.advanceTimersByTimeAsync(5_000);
  expect(alive()).toEqual([first]);
  first.drop(4000);
  expect(heard).toEqual(["joined", "E_GONE"]);
});

test("a server that greets the second connection and is silent on the first is joined there, with the seat", async () => {
  const first = seated("BwcHBwcHBwcHBwcHBwcHBw");
  line.check();
  const second = FakeSocket.latest;
  second.say(welcome);
  await vi.advanceTimersByTimeAsync(299);
  expect(second.sent).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(joins(second)).toMatchObject([{ seat: "BwcHBwcHBwcHBwcHBwcHBw" }]);
  second.say(joined);
  second.say(away);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(alive()).toEqual([second]);
  expect(first.readyState).toBe(3);
  expect(heard).toEqual(["joined", "down", "joined"]);
});

test("on another network the greeting is enough", async () => {
  const at = networks();
  seated();
  at.dispatchEvent(new Event("online"));
  const second = FakeSocket.latest;
  await vi.advanceTimersByTimeAsync(80);
  second.say(welcome);
  await vi.advanceTimersByTimeAsync(0);
  expect(joins(second)).toHaveLength(1);
  expect(alive()).toEqual([second]);
});

test("another network while silence is looked into: what was greeted is taken at once", async () => {
  const at = networks();
  seated();
  line.check();
  FakeSocket.latest.say(welcome);
  at.dispatchEvent(new Event("online"));
  await vi.advanceTimersByTimeAsync(0);
  expect(joins(FakeSocket.latest)).toHaveLength(1);
});

test("without a network nothing is tried", () => {
  const at = networks(false);
  seated();
  at.dispatchEvent(new Event("offline"));
  expect(FakeSocket.all).toHaveLength(1);
});

test("a server that greets nobody in time is called once more, and whichever connection is greeted first is taken", async () => {
  for (const wins of [1, 2]) {
    FakeSocket.all = [];
    seated();
    line.check();
    await vi.advanceTimersByTimeAsync(600);
    expect(FakeSocket.all).toHaveLength(3);
    expect(alive()).toHaveLength(2);
    expect(heard).toEqual(["joined", "down"]);
    const winner = FakeSocket.all[wins] ?? FakeSocket.latest;
    winner.say(welcome);
    await vi.advanceTimersByTimeAsync(0);
    expect(joins(winner)).toHaveLength(1);
    expect(alive()).toEqual([winner]);
    winner.say(joined);
    winner.say(away);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(FakeSocket.all).toHaveLength(3);
    expect(heard).toEqual(["joined", "down", "joined"]);
    line.close();
  }
});

test("second connections are rare: the server counts them", async () => {
  const first = seated();
  for (let n = 0; n < 10; n++) {
    line.check();
    first.say(ice);
    await vi.advanceTimersByTimeAsync(900);
  }
  expect(FakeSocket.all).toHaveLength(2);
  line.check(); // without one: as long as ever
  await vi.advanceTimersByTimeAsync(599);
  expect(alive()).toEqual([first]);
  await vi.advanceTimersByTimeAsync(1);
  expect(FakeSocket.all).toHaveLength(3);
});

test("if all connections fail, it backs off", async () => {
  const first = seated();
  line.check();
  const second = FakeSocket.latest;
  second.drop(1006);
  first.drop(1006);
  expect(alive()).toEqual([]);
  await vi.advanceTimersByTimeAsync(299);
  expect(FakeSocket.all).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(1);
  expect(FakeSocket.all).toHaveLength(3);
});

test("no connection outlives the line", () => {
  seated();
  line.check();
  line.close();
  expect(FakeSocket.all).toHaveLength(2);
  expect(alive()).toEqual([]);
});
