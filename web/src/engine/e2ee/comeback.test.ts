import { describe, expect, test } from "vitest";
import { HOST, refusal, World } from "./world.testing.ts";

const MINUTE = 60_000;

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
    const early = (slot: number) => refusal(() => w.host.send(slot, { t: "hello", name: "", title: "" }, w.now));
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
