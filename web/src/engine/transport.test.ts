import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { SDP } from "../protocol/sealed.gen.ts";
import type { DataKeys } from "./datakeys.ts";
import { Emitter } from "./emitter.ts";
import { Negotiation, type Description } from "./negotiation.ts";
import { Transport } from "./transport.ts";
import type { OutgoingMedia } from "./types.ts";

const OURS = "aa".repeat(32);

/** A data channel that the other end opens, speaks by and closes. */
class FakeChannel extends EventTarget {
  readyState = "connecting";
  bufferedAmount = 0;
  readonly sent: string[] = [];
  send(bytes: Uint8Array): void {
    this.sent.push(new TextDecoder().decode(bytes));
  }
  say(text: string): void {
    this.dispatchEvent(new MessageEvent("message", { data: new TextEncoder().encode(text).buffer }));
  }
  become(state: "open" | "closed"): void {
    this.readyState = state;
    this.dispatchEvent(new Event(state === "open" ? "open" : "close"));
  }
}

interface Events {
  send: Description;
  state: string;
  offered: { restart: boolean };
  negotiated: undefined;
  channel: FakeChannel;
}

/** A peer connection without a browser, under the leg that is really used. */
class FakeNegotiation extends Emitter<Events> {
  readonly channel = new FakeChannel();
  readonly pc = { createDataChannel: () => new FakeChannel(), connectionState: "new" };
  readonly guard = Object.assign(new Emitter(), { proves: false, settle: () => {} });
  readonly ownFp = OURS;
  readonly received: Description[] = [];
  readonly configured: unknown[] = [];
  remoteFp: string | null = null;
  theirGen: number | null = null;
  negotiated = false;
  tracks: unknown = null;
  closed = false;
  connected = false;
  awake: boolean;
  readonly gen: number;

  constructor({ gen, asleep = false }: { gen: number; asleep?: boolean }) {
    super();
    this.gen = gen;
    this.awake = !asleep;
  }
  get alive(): boolean {
    return !this.closed;
  }
  takeEarly = (): readonly unknown[] => [];
  release(): void {
    this.emit("send", { t: "sdp", type: "offer", gen: this.gen, sdp: "v=0", fp: OURS });
  }
  repeat(): void {}
  wake(): void {
    this.awake = true;
  }
  configure(...to: unknown[]): void {
    this.configured.push(to);
  }
  setTracks(tracks: unknown): void {
    this.tracks = tracks;
  }
  receive(m: Description): void {
    this.received.push(m);
    if (m.t === "sdp") this.remoteFp = m.fp;
  }
  close(): void {
    this.closed = true;
  }
  become(state: "connected" | "lost"): void {
    this.connected = state === "connected";
    this.emit("state", state);
  }
}

const keys = {
  bind: () => new TextEncoder().encode("proof"),
  checkBind: () => {},
  skip: () => {},
  seal: (json: object) => new TextEncoder().encode(JSON.stringify(json)),
  open: (frame: Uint8Array) => JSON.parse(new TextDecoder().decode(frame)) as unknown,
} as unknown as DataKeys;

let connections: FakeNegotiation[] = [];
/** Lets what has been promised happen. */
const settle = () => vi.advanceTimersByTimeAsync(0);
const latest = () => connections.at(-1) as FakeNegotiation;

beforeEach(() => {
  vi.useFakeTimers();
  connections = [];
  vi.spyOn(Negotiation, "create").mockImplementation((config) => {
    const made = new FakeNegotiation(config);
    connections.push(made);
    return Promise.resolve(made as unknown as Negotiation);
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const sdp = (type: SDP["type"], gen: number, fp: string): SDP => ({ t: "sdp", type, gen, sdp: "v=0", fp });

function make(role: "host" | "guest") {
  const media = { tracks: { mic: "microphone", camera: "camera" } } as unknown as OutgoingMedia;
  const transport = new Transport({
    role,
    media,
    keys: { ...keys, role },
    servers: [],
    relayOnly: false,
    origin: "https://call.example",
    frames: null,
  });
  const seen: string[] = [];
  const sent: Description[] = [];
  const messages: unknown[] = [];
  transport.on("send", (m) => void sent.push(m));
  transport.on("replaced", ({ second }) => void seen.push(second ? "moved" : "replaced"));
  transport.on("bound", () => void seen.push("bound"));
  transport.on("flowing", () => void seen.push("flowing"));
  transport.on("lost", ({ left }) => void seen.push(left ? "left" : "lost"));
  transport.on("message", (json) => void messages.push(json));
  return { transport, seen, sent, messages };
}

/** The other side answers (or offers), connects and proves itself. */
function connect(t: Transport, fp = "b1", gen = 0, role: "host" | "guest" = "host"): FakeNegotiation {
  const connection = latest();
  t.receive(sdp(role === "host" ? "answer" : "offer", gen, fp));
  connection.remoteFp = fp;
  connection.channel.become("open");
  connection.channel.say("proof");
  connection.become("connected");
  return connection;
}

async function inCall(role: "host" | "guest") {
  const all = make(role);
  all.transport.open(null);
  await settle();
  const first = connect(all.transport, "b1", 0, role);
  await settle();
  return { ...all, first };
}

test("a call begins: media flows once the other side has proven itself, not when it is merely connected", async () => {
  const { transport, seen, sent } = make("host");
  transport.open(null);
  await settle();
  expect(sent).toMatchObject([{ type: "offer", gen: 0 }]);
  transport.receive(sdp("answer", 0, "b1"));
  await settle();
  latest().become("connected");
  latest().channel.become("open");
  expect(transport.send({ t: "state" })).toBe(false);
  expect(transport.files).toBe(null);
  expect(seen).toEqual(["replaced"]);
  latest().channel.say("proof");
  expect(seen).toEqual(["replaced", "bound", "flowing"]);
  expect(transport.send({ t: "state" })).toBe(true);
  expect(transport.files).not.toBe(null);
});

test("the other person reloads: another connection is offered, and what is still said of the first one is not heard", async () => {
  const { transport, seen, sent, first } = await inCall("host");
  sent.length = seen.length = 0;
  transport.receive(sdp("rollback", 0, "00"));
  await settle();
  expect([first.closed, connections.length]).toEqual([true, 2]);
  expect(seen).toEqual(["replaced"]);
  expect(sent).toMatchObject([{ type: "offer", gen: 1 }]);
  transport.receive(sdp("answer", 0, "b1")); // late, by the slower way
  await settle();
  expect(latest().received).toEqual([]);
  connect(transport, "b2");
  expect(seen).toEqual(["replaced", "bound", "flowing"]);
});

test("a guest whose host has reloaded takes the new page's offer", async () => {
  const { transport, seen, first } = await inCall("guest");
  seen.length = 0;
  transport.receive(sdp("offer", 0, "h2"));
  await settle();
  expect([first.closed, connections.length, seen]).toEqual([true, 2, ["replaced"]]);
  expect(latest().received).toMatchObject([{ type: "offer", fp: "h2" }]);
});

test.each(["host", "guest"] as const)("a %s that comes back leaves alone what still works", async (role) => {
  const { transport, sent, first } = await inCall(role);
  sent.length = 0;
  transport.resumed();
  await settle();
  expect([first.closed, connections.length, sent]).toEqual([false, 1, []]);

  first.close(); // the browser has given it up
  transport.resumed();
  await settle();
  if (role === "host") expect([connections.length, latest().gen]).toEqual([2, 1]);
  else expect(sent).toMatchObject([{ type: "rollback" }]); // "offer again"
});

test("it is said whether the other side has closed the connection or the path is dead", async () => {
  const { seen, first } = await inCall("host");
  seen.length = 0;
  first.become("lost");
  expect(seen).toEqual(["lost"]);
  first.channel.become("closed");
  expect(seen).toEqual(["lost", "left"]);
});

test("a connection that is closed while another is being tried is no goodbye: they have gone on by that one", async () => {
  const { transport, seen, first } = await inCall("host");
  seen.length = 0;
  transport.rescue();
  await settle();
  first.channel.become("closed");
  expect(seen).toEqual(["lost"]);
  const second = connect(transport, "b2", 5);
  await settle();
  transport.switchOver();
  expect(seen).toEqual(["lost", "moved", "bound", "flowing"]);
  expect([first.closed, second.closed]).toEqual([true, false]);
  expect(second.tracks).toMatchObject({ mic: "microphone", camera: "camera" });
});

test("a dead path: the host has another connection made, offers it by both ways, and not more often than is of use", async () => {
  const { transport, sent, first } = await inCall("host");
  first.become("lost");
  sent.length = first.channel.sent.length = 0;
  for (let ms = 0; ms < 3_000; ms += 100) {
    transport.rescue();
    await vi.advanceTimersByTimeAsync(100);
  }
  // Made anew each time its offer is out of date, which nobody has answered.
  expect(connections.length - 1).toBe(2);
  expect(sent.every((m) => m.t === "sdp" && m.spare)).toBe(true);
  expect(first.channel.sent).toHaveLength(sent.length);
});

test("a guest makes none by itself", async () => {
  const { transport, sent } = await inCall("guest");
  sent.length = 0;
  transport.rescue();
  await vi.advanceTimersByTimeAsync(60_000);
  expect([connections.length, sent]).toEqual([1, []]);
});

test("a standby connection is offered once the call has begun, sleeps, and is not offered for ever to who never answers", async () => {
  const { transport, sent } = make("host");
  transport.open(null);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(connections).toHaveLength(1); // nobody has come
  connect(transport);
  await vi.advanceTimersByTimeAsync(2_999);
  sent.length = 0;
  await vi.advanceTimersByTimeAsync(3_000);
  expect(sent).toMatchObject([{ type: "offer", spare: true, standby: true }]);
  expect(latest().awake).toBe(false);
  await vi.advanceTimersByTimeAsync(600_000);
  expect(connections).toHaveLength(4);
});

test("from now on over the relay only: both sides make another connection; other credentials reach the one in use", async () => {
  for (const role of ["host", "guest"] as const) {
    connections = [];
    const { transport, sent, first } = await inCall(role);
    const servers = [{ urls: ["turn:call.example"] }];
    transport.configure(servers, false);
    expect(first.configured.at(-1)).toEqual([servers, false]);
    expect(first.closed).toBe(false);
    sent.length = 0;
    transport.configure(servers, true);
    await settle();
    expect([first.closed, connections.length]).toEqual([true, 2]);
    expect(latest().configured.at(-1)).toEqual([servers, true]);
    expect(sent.filter((m) => m.t === "sdp" && m.type === "rollback")).toHaveLength(role === "guest" ? 1 : 0);
  }
});

test("hanging up: nothing is seen or heard at once, and the goodbye has time to leave", async () => {
  const { transport, seen, first } = await inCall("host");
  seen.length = 0;
  transport.send({ t: "bye" });
  transport.close(250);
  expect(first.tracks).toEqual({ mic: null, camera: null });
  expect(first.closed).toBe(false);
  await vi.advanceTimersByTimeAsync(250);
  expect(first.closed).toBe(true);
  await vi.advanceTimersByTimeAsync(60_000);
  expect([connections.length, seen]).toEqual([1, []]); // nothing is made after the end
});
