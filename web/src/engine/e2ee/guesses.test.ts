import { describe, expect, test } from "vitest";
import { FlagPassword } from "./link.ts";
import { HOST, PASSWORD, World, WRONG } from "./world.testing.ts";

const MINUTE = 60_000;

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
