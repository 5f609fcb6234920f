import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { SDP } from "../protocol/sealed.gen.ts";
import { Emitter } from "./emitter.ts";
import type { Leg } from "./leg.ts";
import type { Description } from "./negotiation.ts";
import { SparePeer } from "./sparepeer.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

interface Events {
  send: Description;
  track: unknown;
  untrack: unknown;
  frames: string;
  connected: undefined;
  up: undefined;
  message: unknown;
  violated: string;
}

/** A connection without a browser. */
class FakeLeg extends Emitter<Events> {
  readonly startedAt = performance.now();
  remoteFp: string | null = null;
  theirGen: number | null = null;
  bound = false;
  up = false;
  closed = false;
  readonly received: Description[] = [];
  readonly tracks: unknown[] = [];
  repeated = 0;
  negotiation = {
    connected: false,
    guard: { proves: true },
    gen: 5,
    ownFp: "mine",
    repeat: () => void this.repeated++,
    setTracks: (t: unknown) => void this.tracks.push(t),
  };
  awake = true;
  start(): void {}
  isAnsweredBy(m: SDP): boolean {
    return m.type === "answer";
  }
  wake(): void {
    this.awake = true;
  }
  receive(m: Description): void {
    this.received.push(m);
    this.theirGen = m.gen;
    if (m.t === "sdp") this.remoteFp = m.fp;
  }
  close(): void {
    this.closed = true;
  }
  say<K extends keyof Events>(event: K, value: Events[K]): void {
    this.emit(event, value);
  }
}

function make() {
  const legs: FakeLeg[] = [];
  const spare = new SparePeer({
    make: (asleep) => {
      const leg = new FakeLeg();
      leg.awake = !asleep;
      legs.push(leg);
      return leg as unknown as Leg;
    },
    configure: () => {},
  });
  const sent: Description[] = [];
  spare.on("send", (m) => void sent.push(m));
  return { legs, spare, sent };
}

const sdp = (type: SDP["type"], gen: number, fp: string): SDP => ({ t: "sdp", type, gen, sdp: "v=0", fp });

test("its offer is marked, its answer and candidates reach it, those of another connection do not", () => {
  const { legs, spare, sent } = make();
  expect(spare.receive(sdp("answer", 4, "b"))).toBe(false);
  spare.offer();
  legs[0]?.say("send", sdp("offer", 1, "a"));
  legs[0]?.say("send", { t: "ice", gen: 1, mid: "0", cand: "c" });
  expect(sent).toEqual([
    { ...sdp("offer", 1, "a"), spare: true },
    { t: "ice", gen: 1, mid: "0", cand: "c" },
  ]);
  expect(spare.receive({ t: "ice", gen: 3, mid: "0", cand: "of the first" })).toBe(false);
  expect(spare.receive(sdp("answer", 4, "b"))).toBe(true);
  expect(spare.receive({ t: "ice", gen: 4, mid: "0", cand: "mine" })).toBe(true);
  expect(spare.receive({ t: "ice", gen: 3, mid: "0", cand: "of the first" })).toBe(false);
  expect(spare.receive(sdp("answer", 5, "c"))).toBe(false);
});

test("one at a time: an offer that nobody answers is soon said again, or made anew, one that was answered gets its time", () => {
  const { legs, spare } = make();
  spare.offer();
  vi.advanceTimersByTime(300);
  spare.offer();
  expect(legs.map((l) => l.repeated)).toEqual([0]);
  vi.advanceTimersByTime(200);
  spare.offer();
  expect(legs.map((l) => l.repeated)).toEqual([1]);
  vi.advanceTimersByTime(1_000); // what it says of the network may be out of date
  spare.offer();
  expect(legs.map((l) => l.closed)).toEqual([true, false]);
  spare.receive(sdp("answer", 4, "b"));
  vi.advanceTimersByTime(2_000);
  spare.offer();
  expect(legs).toHaveLength(2);
  vi.advanceTimersByTime(1_100);
  spare.offer();
  expect(legs.map((l) => l.closed)).toEqual([true, true, false]);
});

test("it is handed over only when it is proven, with what it has shown so far, and lives on", () => {
  const { legs, spare } = make();
  spare.answer(sdp("offer", 7, "h"));
  const [leg] = legs as [FakeLeg];
  expect(leg.received).toHaveLength(1);
  const [first, second] = [{ track: "mic" }, { track: "cam" }];
  leg.say("track", first);
  leg.say("track", second);
  leg.say("untrack", "mic");
  expect(spare.take()).toBe(null);
  leg.bound = true;
  expect(spare.take()).toEqual({ leg, tracks: [second] });
  vi.advanceTimersByTime(60_000);
  spare.drop();
  expect(leg.closed).toBe(false);
});

test("sends as soon as it is connected, not before", () => {
  const { legs, spare } = make();
  spare.offer();
  spare.feed({ mic: null, camera: null });
  expect(legs[0]?.tracks).toHaveLength(0);
  if (legs[0]) legs[0].negotiation.connected = true;
  spare.feed({ mic: null, camera: null });
  expect(legs[0]?.tracks).toHaveLength(1);
});

test("what goes wrong with it costs nothing but itself; unused, it ends after eight seconds", () => {
  const { legs, spare } = make();
  for (const act of [
    (l: FakeLeg) => l.say("violated", "E_BIND"),
    (l: FakeLeg) => l.say("frames", "failed"),
    () => vi.advanceTimersByTime(8_000),
  ]) {
    spare.offer();
    const leg = legs.at(-1) as FakeLeg;
    expect(leg.closed).toBe(false);
    act(leg);
    expect(leg.closed).toBe(true);
    leg.bound = true;
    expect(spare.take()).toBe(null);
  }
});

test("a proven one is kept for when it is needed; a guest is not flooded with offers", () => {
  const { legs, spare } = make();
  spare.answer(sdp("offer", 7, "h"));
  spare.answer(sdp("offer", 7, "h")); // the same, by the other way
  for (let i = 0; i < 50; i++) spare.answer(sdp("offer", 8 + i, `x${i}`));
  expect(legs).toHaveLength(1);
  if (legs[0]) legs[0].up = true;
  vi.advanceTimersByTime(5_000);
  spare.offer();
  expect(legs).toHaveLength(1);
});

test("ahead: offered as such, it sleeps for as long as all is well; when it is woken its life begins", () => {
  const { legs, spare, sent } = make();
  spare.prepare();
  const [leg] = legs as [FakeLeg];
  leg.say("send", sdp("offer", 1, "a"));
  expect(sent).toEqual([{ ...sdp("offer", 1, "a"), spare: true, standby: true }]);
  spare.receive(sdp("answer", 4, "b"));
  for (let i = 0; i < 100; i++) {
    vi.advanceTimersByTime(3_000);
    spare.prepare();
  }
  expect(legs).toHaveLength(1);
  expect([leg.awake, leg.closed]).toEqual([false, false]);
  spare.wake();
  expect(leg.awake).toBe(true);
  vi.advanceTimersByTime(7_000);
  spare.wake();
  vi.advanceTimersByTime(1_000);
  expect(leg.closed).toBe(true);
});

test("ahead: the guest's sleeps, too, and whoever wakes it first wakes both", () => {
  const { legs, spare, sent } = make();
  spare.answer({ ...sdp("offer", 7, "h"), standby: true });
  const [leg] = legs as [FakeLeg];
  vi.advanceTimersByTime(100_000);
  expect([leg.awake, leg.closed]).toEqual([false, false]);
  leg.say("connected", undefined); // by the other side's doing
  expect(leg.awake).toBe(true);
  vi.advanceTimersByTime(17_000); // as long as a patient host
  expect(leg.closed).toBe(true);
  // The host would believe that it sleeps on.
  expect(sent).toEqual([{ t: "sdp", type: "rollback", gen: 5, sdp: "", fp: "mine", spare: true }]);
});

test("ahead: the host drops its own when the guest has dropped the other end, and no other", () => {
  const { legs, spare } = make();
  spare.prepare();
  spare.receive(sdp("answer", 4, "b"));
  const [leg] = legs as [FakeLeg];
  expect(spare.receive({ ...sdp("rollback", 4, "c"), spare: true })).toBe(false);
  expect(leg.closed).toBe(false);
  spare.receive({ ...sdp("rollback", 4, "b"), spare: true });
  expect(leg.closed).toBe(true);
});

test("ahead: an offer may be lost, but a client that never answers is not asked for ever", () => {
  const { legs, spare } = make();
  for (let i = 0; i < 100; i++) {
    spare.prepare();
    vi.advanceTimersByTime(3_000);
  }
  expect(legs).toHaveLength(3);
  expect(legs.every((l) => l.closed)).toBe(true);
});

test("a guest that expects an offer answers with what it has ready; what was not needed goes", () => {
  const { legs, spare } = make();
  spare.expect();
  spare.expect();
  spare.answer(sdp("offer", 7, "h"));
  expect(legs).toHaveLength(1);
  expect(legs[0]?.received).toHaveLength(1);
  spare.expect();
  vi.advanceTimersByTime(3_000);
  expect(legs.map((l) => l.closed)).toEqual([false, true]);
  spare.expect();
  spare.close();
  expect(legs.map((l) => l.closed)).toEqual([true, true, true]);
});

test("an offer that was given up for another is not taken when it comes late", () => {
  const { legs, spare } = make();
  for (const gen of [3, 4, 3, 4]) {
    spare.answer(sdp("offer", gen, `h${gen}`));
    vi.advanceTimersByTime(3_000);
  }
  expect(legs.map((l) => l.theirGen)).toEqual([3, 4]);
  spare.reset(); // another page of theirs
  spare.answer(sdp("offer", 1, "new"));
  expect(legs).toHaveLength(3);
});

test("where connecting takes longer than a host waits, it waits longer the next time", () => {
  const { legs, spare } = make();
  const connecting = () => {
    spare.offer();
    spare.receive(sdp("answer", 4, `of ${legs.length}`));
    return legs.length;
  };
  expect(connecting()).toBe(1);
  vi.advanceTimersByTime(3_000);
  expect(connecting()).toBe(2);
  vi.advanceTimersByTime(3_000);
  expect(connecting()).toBe(2); // it gets six seconds
  vi.advanceTimersByTime(3_000);
  expect(connecting()).toBe(3);
  Object.assign(legs[2] ?? {}, { bound: true });
  spare.take();
  expect(connecting()).toBe(4);
  vi.advanceTimersByTime(3_000);
  expect(connecting()).toBe(5); // what is over is forgotten
});

test("what has authenticated on one that is being tried may be shown, until it is dropped or taken", () => {
  const { legs, spare } = make();
  let told = 0;
  spare.on("glimpse", () => void told++);
  spare.offer();
  legs[0]?.say("track", { track: "picture" });
  expect(spare.glimpse).toEqual([{ track: "picture" }]);
  legs[0]?.say("untrack", "picture"); // its frames do not hold
  expect(spare.glimpse).toEqual([]);
  legs[0]?.say("track", { track: "sound" });
  spare.drop();
  expect(spare.glimpse).toEqual([]);
  expect(told).toBe(4);
  spare.drop();
  expect(told).toBe(4);

  spare.offer();
  legs[1]?.say("track", { track: "picture" });
  Object.assign(legs[1] ?? {}, { bound: true });
  expect(spare.take()?.tracks).toEqual([{ track: "picture" }]);
  expect(spare.glimpse).toEqual([]);
});

test("what nothing has authenticated is not shown before it is bound, nor what sleeps", () => {
  const { legs, spare } = make();
  spare.offer();
  Object.assign(legs[0]?.negotiation ?? {}, { guard: { proves: false } });
  legs[0]?.say("track", { track: "picture" });
  expect(spare.glimpse).toEqual([]);
  spare.drop();
  spare.prepare();
  legs[1]?.say("track", { track: "picture" });
  expect(spare.glimpse).toEqual([]);
  spare.wake();
  expect(spare.glimpse).toEqual([{ track: "picture" }]);
});
