import { describe, expect, test } from "vitest";
import { secureRandom, FlagPassword, FlagSFrameRequired, newLink } from "./link.ts";
import { Guest } from "./guest.ts";
import { Host } from "./host.ts";
import { guestLink } from "./derive.ts";
import { utf8 } from "./encode.ts";
import { E2EEError } from "./errors.ts";
import { CAPS, PASSWORD, World, WRONG } from "./world.testing.ts";

const MINUTE = 60_000;
const HOST = -1;

function state(fn: () => void): string {
  try {
    fn();
  } catch (e) {
    return e instanceof E2EEError ? e.code : "other";
  }
  return "";
}

describe("meeting", () => {
  test("both sides have the same session", () => {
    const w = new World();
    w.meet(1);
    const [h] = w.effects(HOST, "ready");
    const [g] = w.effects(1, "ready");
    expect(h?.session.sas).toEqual(g?.session.sas);
    expect(h?.session.id).toEqual(g?.session.id);
    expect(h?.session.media()).toEqual(g?.session.media());
    expect(h?.resumed).toBe(false);
    const fp = [secureRandom(32), secureRandom(32)] as const;
    expect(g?.session.isBound(h?.session.bind("host", ...fp) ?? fp[0], ...fp)).toBe(true);
    expect(() => w.guest(1).ring.checkBind(w.guest(1).ring.bind("guest", ...fp), ...fp)).toThrow("E_BIND");
  });

  test("the host shows nobody before the guest's first sealed frame", () => {
    const w = new World();
    w.newGuest(1);
    w.connect(1);
    for (let i = 0; i < 4; i++) w.step(); // M1…M4
    expect(w.effects(1, "ready")).toHaveLength(1);
    expect(w.effects(HOST, "ready")).toHaveLength(0);
    w.run();
    expect(w.effects(HOST, "ready")).toHaveLength(1);
    expect(w.effects(HOST, "message")).toHaveLength(0);
  });

  test("messages go both ways, in the state that allows them", () => {
    const w = new World();
    w.meet(1);
    expect(state(() => w.guest(1).send({ t: "chat", id: "1", text: "x" }, w.now))).toBe("E_STATE");
    expect(state(() => w.guest(1).send({ t: "admit" }, w.now))).toBe("E_STATE");
    expect(state(() => w.host.send(1, { t: "sdp" }, w.now))).toBe("E_STATE");
    w.guest(1).send({ t: "knock", name: "Ana" }, w.now);
    w.run();
    expect(w.effects(HOST, "message").map((m) => m.json)).toEqual([{ t: "knock", name: "Ana" }]);
    w.host.send(1, { t: "hold", msg: "soon" }, w.now);
    w.admit(1);
    w.guest(1).send({ t: "chat", id: "1", text: "x" }, w.now);
    w.host.send(1, { t: "ice-end", gen: 0 }, w.now);
    w.run();
    expect(w.effects(1, "message").map((m) => m.type)).toEqual(["hold", "admit", "ice-end"]);
    expect(w.effects(HOST, "message").map((m) => m.type)).toEqual(["knock", "chat"]);
    expect(state(() => w.guest(1).send({ t: "chat", text: "x".repeat(60_000) }, w.now))).toBe("E_SIZE");
  });

  test("data frames open once and in order", () => {
    const w = new World();
    w.meet(1);
    const g = w.effects(1, "ready")[0]?.session;
    const h = w.effects(HOST, "ready")[0]?.session;
    if (!g || !h) throw new Error("not ready");
    const frames = ["a", "b"].map((t) => g.sealData(utf8(t)));
    const [a, b] = frames;
    if (!a || !b) throw new Error("no frames");
    expect(() => h.openData(b)).toThrow("E_SEQ");
    expect(h.openData(a)).toEqual(utf8("a"));
    expect(() => h.openData(a)).toThrow("E_SEQ");
    expect(() => g.openData(b)).toThrow("E_SEQ"); // reflected
    expect(h.openData(b)).toEqual(utf8("b"));
  });

  test("what the link demands and a client cannot do", () => {
    const link = newLink(secureRandom, FlagSFrameRequired);
    const caps = { ...CAPS, sframe: 0 } as const;
    expect(() => new Host({ link, caps })).toThrow("E_POLICY");
    expect(() => new Guest({ link: guestLink(link), caps })).toThrow("E_POLICY");
    expect(() => new Host({ link: guestLink(link), caps: CAPS })).toThrow("E_STATE");
    expect(() => new Host({ link, caps: CAPS, password: PASSWORD })).toThrow("E_PASSWORD_FORM");
    expect(() => new Host({ link: newLink(secureRandom, FlagPassword), caps: CAPS })).toThrow("E_PW_REQUIRED");
  });
});

describe("passwords", () => {
  test("the guest is asked, told that a guess was wrong, and gets in", () => {
    const w = new World(FlagPassword);
    w.meet(1);
    expect(w.codes(1)).toEqual(["E_PW_REQUIRED"]);
    expect(w.queue).toEqual([]);
    w.guest(1).setPassword(WRONG, w.now);
    w.run();
    expect(w.effects(1, "wrong-password")).toEqual([{ kind: "wrong-password", failures: 1, locked: false }]);
    expect(w.effects(HOST, "wrong-password")).toEqual([{ kind: "wrong-password", failures: 1, locked: false }]);
    w.guest(1).setPassword(PASSWORD, w.now);
    w.run();
    expect(w.effects(1, "ready")).toHaveLength(0); // the answer is delayed
    w.pass(999);
    w.run();
    expect(w.effects(1, "ready")).toHaveLength(0);
    w.pass(1);
    w.run();
    expect(w.effects(1, "ready")).toHaveLength(1);
  });

  test("delays grow, five failures lock, more may be allowed, a reload forgets nothing", () => {
    const w = new World(FlagPassword);
    const delays = [0, 1_000, 2_000, 4_000, 8_000];
    w.meet(1);
    for (const [i, delay] of delays.entries()) {
      w.guest(1).setPassword(WRONG, w.now);
      w.run();
      if (delay > 0) {
        expect(w.host.deadline()).toBe(w.now + delay);
        w.pass(delay);
        w.run();
      }
      expect(w.effects(HOST, "wrong-password").at(-1)).toMatchObject({ failures: i + 1, locked: i === 4 });
    }
    expect(w.effects(1, "wrong-password").at(-1)).toMatchObject({ failures: 5, locked: true });
    w.guest(1).setPassword(PASSWORD, w.now);
    expect(w.codes(1).at(-1)).toBe("E_LOCKED"); // a guest stops by itself, too

    const stored = w.effects(HOST, "budget").at(-1)?.budget;
    w.newHost(stored);
    w.hostConnects();
    w.meet(2, PASSWORD);
    expect(w.codes(2)).toEqual(["E_LOCKED"]);
    w.host.allow(5);
    w.meet(3, PASSWORD);
    w.pass(8_000);
    w.run();
    expect(w.effects(3, "ready")).toHaveLength(1);
  });

  test("never more than five guesses are looked at, however many are in flight", () => {
    const w = new World(FlagPassword);
    w.newHost({ failures: 4, extra: 0, lastFailure: 0 });
    w.hostConnects();
    w.bend = (f) => (f.toHost && held ? (late.push(f), null) : f.frame);
    const late: { slot: number; frame: Uint8Array }[] = [];
    let held = false;
    for (const slot of [1, 2, 3]) {
      w.newGuest(slot, WRONG);
      w.connect(slot);
    }
    for (let i = 0; i < 3; i++) w.step(); // three M1 answered
    held = true;
    w.run();
    expect(late).toHaveLength(3);
    held = false;
    for (const f of late) w.host.receive(f.slot, f.frame, w.now);
    w.run();
    expect(w.host.budget.failures).toBe(5);
    expect(w.codes(HOST)).toEqual(["E_CONFIRM", "E_LOCKED", "E_LOCKED"]);
  });

  test("nothing but a wrong confirmation counts as a guess; twenty handshakes an hour", () => {
    const w = new World(FlagPassword);
    for (let i = 0; i < 21; i++) {
      w.newGuest(1, PASSWORD);
      w.connect(1);
      w.step(); // M1 and no more
      w.drop(1);
      w.pass(10_000);
      w.drop(1);
      w.host.peerGone(1, w.now);
    }
    expect(w.host.budget.failures).toBe(0);
    expect(w.codes(HOST).filter((c) => c === "E_TIMEOUT")).toHaveLength(20);
    expect(w.codes(HOST).at(-1)).toBe("E_BUSY");
    w.pass(60 * MINUTE);
    w.meet(2, PASSWORD);
    expect(w.effects(2, "ready")).toHaveLength(1);
  });
});

describe("one guest at a time", () => {
  test("others are told busy until the admitted one is released", () => {
    const w = new World();
    w.meet(1);
    w.admit(1);
    w.meet(2);
    expect(w.codes(2)).toEqual(["E_BUSY"]);
    expect(w.effects(2, "ready")).toHaveLength(0);
    w.cut(1);
    w.connect(2);
    w.run();
    expect(w.codes(2)).toEqual(["E_BUSY", "E_BUSY"]); // it is expected back
    w.host.release(w.now);
    w.connect(2);
    w.run();
    expect(w.effects(2, "ready")).toHaveLength(1);
  });

  test("of two who wait one is admitted, the other may not be", () => {
    const w = new World();
    w.meet(1);
    w.meet(2);
    w.admit(1);
    expect(state(() => w.host.admitted(2, w.now))).toBe("E_BUSY");
    expect(state(() => w.host.admitted(3, w.now))).toBe("E_STATE");
    w.host.send(2, { t: "hold", msg: "later" }, w.now);
    w.run();
    expect(w.effects(2, "message").map((m) => m.type)).toEqual(["hold"]);
  });

  test("refused is final for the guest; bye releases", () => {
    const w = new World();
    w.meet(1);
    w.host.send(1, { t: "deny", reason: "no" }, w.now);
    w.run();
    expect(w.effects(1, "message").map((m) => m.type)).toEqual(["deny"]);
    w.connect(1);
    expect(w.queue).toEqual([]);
    w.meet(2);
    w.admit(2);
    w.guest(2).send({ t: "bye", reason: "hangup" }, w.now);
    w.run();
    w.meet(3);
    expect(w.effects(3, "ready")).toHaveLength(1);
  });

  test("a closed guest is told why; a fifth that waits is busy", () => {
    const w = new World();
    for (const slot of [1, 2, 3, 4, 5]) w.meet(slot);
    expect(w.effects(HOST, "ready")).toHaveLength(4);
    w.host.close(4, "E_DENIED", w.now);
    w.run();
    expect(w.codes(4)).toEqual(["E_DENIED"]);
  });
});

describe("coming back", () => {
  test("an admitted guest resumes over a new connection", () => {
    const w = new World();
    w.meet(1);
    w.admit(1);
    w.host.verified(1, true, w.now);
    w.guest(1).verified(true);
    w.cut(1);
    expect(w.guest(1).deadline()).toBe(w.now + MINUTE);
    w.pass(59_000);
    w.connect(1);
    w.run();
    for (const who of [HOST, 1]) {
      const last = w.effects(who, "ready").at(-1);
      expect(last).toMatchObject({ resumed: true, session: { epoch: 1, verified: true } });
    }
    w.guest(1).send({ t: "chat", id: "1", text: "back" }, w.now); // admitted still
    w.run();
    expect(w.effects(HOST, "message").at(-1)?.type).toBe("chat");
    expect(w.effects(1, "ready")[0]?.session.sas).not.toEqual(w.effects(1, "ready")[1]?.session.sas);
  });

  test("what a host says behind M4 arrives with it, before the guest was heard; a fresh guest is told nothing so early", () => {
    const w = new World();
    const early = (slot: number) => state(() => w.host.send(slot, { t: "hello", name: "", title: "" }, w.now));
    w.newGuest(1);
    w.connect(1);
    for (let i = 0; i < 3; i++) w.step(); // M1, M2, M3
    expect(early(1)).toBe("E_STATE");
    w.run();
    w.admit(1);
    w.cut(1);
    w.connect(1);
    for (let i = 0; i < 2; i++) w.step();
    expect(early(1)).toBe("E_STATE");
    w.step();
    expect(w.effects(HOST, "back")).toMatchObject([{ slot: 1, session: { epoch: 1 } }]);
    w.host.send(1, { t: "sdp", type: "offer" }, w.now);
    w.host.send(1, { t: "ice-end" }, w.now);
    expect(w.effects(HOST, "ready")).toHaveLength(1);
    w.run();
    expect(w.effects(1, "ready").at(-1)?.resumed).toBe(true);
    expect(w.effects(1, "message").map((m) => m.type)).toEqual(["admit", "sdp", "ice-end"]);
    expect(w.effects(HOST, "ready")).toHaveLength(2);
    w.host.send(1, { t: "chat", id: "1", text: "and on" }, w.now); // the counter goes on
    w.run();
    expect(w.effects(1, "message").at(-1)?.type).toBe("chat");
    expect([...w.codes(1), ...w.codes(HOST)]).toEqual([]);
  });

  test("with M4 lost, what followed it is lost, too, and the guest comes back all the same", () => {
    const w = new World();
    w.meet(1);
    w.admit(1);
    w.cut(1);
    w.connect(1);
    for (let i = 0; i < 3; i++) w.step();
    w.host.send(1, { t: "ice-end" }, w.now);
    w.cut(1);
    w.connect(1);
    w.run();
    expect(w.effects(HOST, "ready").map((r) => r.session.epoch)).toEqual([0, 1]);
    expect(w.effects(1, "message").map((m) => m.type)).toEqual(["admit"]);
  });

  test("after a reload of either side", () => {
    const w = new World();
    w.meet(1);
    w.admit(1);
    const guestState = w.effects(1, "resume").at(-1)?.resume[0];
    w.cut(1);
    const hostStates = w.effects(HOST, "resume").at(-1)?.resume;
    expect(hostStates).toHaveLength(1);
    w.newHost(undefined, hostStates);
    w.hostConnects();
    w.meet(2, undefined, guestState);
    expect(w.effects(2, "ready")).toMatchObject([{ resumed: true }]);
  });

  test("while the old connection still seems alive to the server", () => {
    const w = new World();
    w.meet(1);
    w.admit(1);
    const resume = w.effects(1, "resume").at(-1)?.resume[0];
    w.meet(2, undefined, resume);
    expect(w.effects(2, "ready")).toMatchObject([{ resumed: true }]);
    w.guest(1).send({ t: "chat", id: "1", text: "ghost" }, w.now);
    w.run();
    expect(w.effects(HOST, "message").filter((m) => m.type === "chat")).toHaveLength(0);
  });

  test("a secret serves once, and ten minutes after the connection was lost not at all", () => {
    const w = new World();
    w.meet(1);
    w.admit(1);
    const first = w.effects(1, "resume").at(-1)?.resume[0];
    w.cut(1);
    w.connect(1);
    w.run();
    w.cut(1);
    w.meet(2, undefined, first);
    expect(w.codes(2)).toEqual(["E_BUSY"]);
    w.pass(10 * MINUTE);
    w.meet(3);
    expect(w.effects(3, "ready")).toMatchObject([{ resumed: false }]);
  });

  test("a long call can still be resumed: its state is kept alive", () => {
    const w = new World();
    w.meet(1);
    w.admit(1);
    for (let i = 0; i < 10; i++) w.pass(5 * MINUTE);
    w.cut(1);
    w.connect(1);
    w.run();
    expect(w.effects(1, "ready").at(-1)?.resumed).toBe(true);
  });

  test("to a host that has forgotten: a fresh session", () => {
    const w = new World();
    w.meet(1);
    w.admit(1);
    w.cut(1);
    w.newHost();
    w.hostConnects();
    w.connect(1);
    w.run();
    expect(w.effects(1, "ready").map((r) => r.resumed)).toEqual([false, false]);
  });

  test("when only the host's connection is lost, the guest's counter goes on", () => {
    const w = new World();
    const counters: number[] = [];
    w.bend = (f) => (f.toHost && counters.push(f.frame[23] ?? -1), f.frame);
    w.meet(1);
    w.admit(1);
    const before = counters.length;
    w.guest(1).hostOffline(w.now);
    w.reconnectHost([1]);
    w.run();
    expect(w.effects(1, "ready").at(-1)?.resumed).toBe(true);
    expect(counters.length).toBeGreaterThan(before);
    expect(new Set(counters).size).toBe(counters.length); // no nonce twice under one key
  });

  test("after a broken frame the session repairs itself", () => {
    const w = new World();
    w.meet(1);
    w.admit(1);
    w.bend = () => null;
    w.guest(1).send({ t: "chat", id: "1", text: "lost" }, w.now);
    w.run();
    w.bend = (f) => f.frame;
    w.guest(1).send({ t: "chat", id: "2", text: "gap" }, w.now);
    w.run();
    expect(w.codes(HOST)).toEqual(["E_SEQ"]);
    expect(w.effects(1, "ready").at(-1)?.resumed).toBe(true);
    expect(w.effects(HOST, "ready").at(-1)?.resumed).toBe(true);
  });
});

describe("time", () => {
  test.each([0, 1, 2, 3])("after %i messages of the handshake nothing more comes", (n) => {
    const w = new World();
    w.newGuest(1);
    w.connect(1);
    for (let i = 0; i < n; i++) w.step();
    w.collect();
    w.drop(1);
    w.pass(9_999);
    expect([...w.codes(1), ...w.codes(HOST)]).toEqual([]);
    w.pass(1);
    expect(w.codes(1)).toEqual(["E_TIMEOUT"]);
    expect(w.guest(1).deadline()).toBeNull();
    expect(w.host.deadline()).toBeNull();
    w.drop(1);
    w.connect(1);
    w.run();
    expect(w.effects(HOST, "ready")).toHaveLength(1);
  });

  test("a knock nobody answers for ten minutes", () => {
    const w = new World();
    w.meet(1);
    w.guest(1).send({ t: "knock", name: "Ana" }, w.now);
    w.run();
    w.pass(10 * MINUTE);
    w.run();
    expect(w.codes(1)).toEqual(["E_TIMEOUT"]);
    expect(w.codes(HOST)).toEqual(["E_TIMEOUT"]);
  });

  test("a minute to come back", () => {
    const w = new World();
    w.meet(1);
    w.admit(1);
    w.cut(1);
    w.pass(MINUTE);
    expect(w.codes(1)).toEqual(["E_TIMEOUT"]);
  });
});

describe("a server that says things twice", () => {
  const headers = (frames: Uint8Array[]) => frames.map((f) => f.subarray(0, 24).join());

  test("no counter starts again under the same connection id", () => {
    const world = new World();
    const guest = world.newGuest(1);
    const [cid, hostCid] = [new Uint8Array(16).fill(7), new Uint8Array(16).fill(8)];
    const sent: Uint8Array[] = [];
    for (let i = 0; i < 3; i++) {
      guest.connected(cid, world.now);
      guest.hostOnline(hostCid, world.now);
      world.host.connected(hostCid, world.now);
      world.host.peerArrived(1, cid, world.now);
      for (const e of [...guest.drain(), ...world.host.drain()]) if (e.kind === "send-frame") sent.push(e.frame);
      for (let slot = 2; slot < 7; slot++) world.host.peerArrived(slot, new Uint8Array(16).fill(slot), world.now);
      for (const e of world.host.drain()) if (e.kind === "send-frame") sent.push(e.frame);
    }
    expect(sent.length).toBeGreaterThan(5);
    expect(new Set(headers(sent)).size).toBe(sent.length);
  });

  test("old frames of a connection that is announced again count for nothing", () => {
    const world = new World(FlagPassword);
    const toHost: Uint8Array[] = [];
    world.bend = ({ toHost: up, frame }) => {
      if (up) toHost.push(frame);
      return frame;
    };
    world.meet(1, PASSWORD);
    const cid = toHost[0]?.slice(0, 16);
    expect(cid && toHost.length).toBeGreaterThan(2);
    for (let i = 0; i < 5; i++) {
      if (i === 2) world.hostConnects();
      world.host.peerGone(1, world.now);
      world.host.peerArrived(1, cid ?? new Uint8Array(16), world.now);
      for (const frame of toHost.slice(0, 2)) world.host.receive(1, frame, world.now);
    }
    expect(world.effects(-1, "wrong-password")).toEqual([]);
    expect(world.effects(-1, "budget")).toEqual([]);
  });
});
