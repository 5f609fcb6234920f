import { describe, expect, test } from "vitest";
import { secureRandom, FlagPassword, FlagSFrameRequired, newLink } from "./link.ts";
import { Guest } from "./guest.ts";
import { Host } from "./host.ts";
import { guestLink } from "./derive.ts";
import { utf8 } from "./encode.ts";
import { CAPS, HOST, PASSWORD, refusal, World } from "./world.testing.ts";

const MINUTE = 60_000;

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
    expect(refusal(() => w.guest(1).send({ t: "chat", id: "1", text: "x" }, w.now))).toBe("E_STATE");
    expect(refusal(() => w.guest(1).send({ t: "admit" }, w.now))).toBe("E_STATE");
    expect(refusal(() => w.host.send(1, { t: "sdp" }, w.now))).toBe("E_STATE");
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
    expect(refusal(() => w.guest(1).send({ t: "chat", text: "x".repeat(60_000) }, w.now))).toBe("E_SIZE");
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
    expect(refusal(() => w.host.admitted(2, w.now))).toBe("E_BUSY");
    expect(refusal(() => w.host.admitted(3, w.now))).toBe("E_STATE");
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
    expect(world.effects(HOST, "wrong-password")).toEqual([]);
    expect(world.effects(HOST, "budget")).toEqual([]);
  });
});
