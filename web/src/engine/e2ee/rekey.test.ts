import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toHex } from "./encode.ts";
import { secureRandom } from "./link.ts";
import { HOST, World } from "./world.testing.ts";

const MINUTE = 60_000;
const SLOW = { timeout: 60_000 }; // many handshakes
const CHAT = { t: "chat", id: "1", text: "x" };

/** A pair in a call, a little after it began. */
function pair(overChannel: boolean): World {
  const w = new World();
  w.meet(1);
  w.admit(1);
  w.overChannel = overChannel;
  w.pass(2_000);
  w.seen.clear();
  return w;
}

/** Both send under the same keys, and hear each other over the data channel. Returns the epoch. */
function agree(w: World): number | undefined {
  const [h, g] = [w.host.ring.current, w.guest(1).ring.current];
  expect(h?.epoch).toBe(g?.epoch);
  expect(h?.media()).toEqual(g?.media());
  expect(h?.sas).toEqual(g?.sas);
  expect(w.host.openData(w.guest(1).sealData(CHAT), w.now)).toEqual(CHAT);
  expect(w.guest(1).openData(w.host.sealData(CHAT), w.now)).toEqual(CHAT);
  return g?.epoch;
}

/** Another data channel takes the place of one that has lost what was on its way. */
function replaceChannel(w: World): void {
  w.channel.length = 0;
  const fp = [secureRandom(32), secureRandom(32)] as const;
  const [g, h] = [w.guest(1).ring.bind("guest", ...fp), w.host.ring.bind("host", ...fp)];
  w.host.ring.checkBind(g, ...fp);
  w.guest(1).ring.checkBind(h, ...fp);
  for (const { ring } of [w.host, w.guest(1)]) ring.skipData(); // the next frame is the first
}

describe.each([
  ["over the server", false],
  ["over the data channel", true],
])("re-keying %s", (_, overChannel) => {
  test("both sides change, and the words stay verified", () => {
    const w = pair(overChannel);
    w.host.verified(1, true, w.now);
    w.guest(1).verified(true);
    const before = toHex(w.guest(1).ring.current?.media() ?? new Uint8Array());
    w.guest(1).rekey(w.now);
    w.run();
    expect(agree(w)).toBe(1);
    expect(toHex(w.guest(1).ring.current?.media() ?? new Uint8Array())).not.toBe(before);
    expect(w.host.ring.current?.verified).toBe(true);
    expect(w.guest(1).ring.current?.verified).toBe(true);
    w.guest(1).send(CHAT, w.now);
    w.host.send(1, CHAT, w.now);
    w.run();
    expect(w.effects(HOST, "message")).toHaveLength(1);
    expect(w.effects(1, "message")).toHaveLength(1);
    expect(w.effects(HOST, "ready")).toHaveLength(0);
    expect(w.effects(HOST, "epoch").map((e) => e.sending)).toEqual([false, true]);
    expect(w.effects(1, "epoch").map((e) => e.sending)).toEqual([true]);
  });

  test("the host asks for it, and triggers may cross", () => {
    const w = pair(overChannel);
    w.host.rekey(w.now);
    w.guest(1).rekey(w.now);
    w.run();
    expect(agree(w)).toBe(1);
    w.pass(2_000);
    w.host.rekey(w.now);
    w.run();
    expect(agree(w)).toBe(2);
  });

  test("A31: the keys of the epoch before fade, and what comes under them ends nothing", () => {
    const w = pair(overChannel);
    const frames = [w.guest(1).sealData(CHAT), w.guest(1).sealData(CHAT)] as const;
    if (overChannel) for (const f of frames) w.host.openData(f, w.now);
    w.guest(1).rekey(w.now);
    w.run();
    if (!overChannel) expect(w.host.openData(frames[0], w.now)).toEqual(CHAT);
    w.pass(10_000);
    expect([w.host.ring.fading, w.guest(1).ring.fading]).toEqual([false, false]);
    expect(w.host.openData(frames[1], w.now)).toBeNull();
    agree(w);
  });
});

test("frames that come late all the time keep their keys, for a minute at most", () => {
  const w = pair(true);
  const late = Array.from({ length: 8 }, () => w.guest(1).ring.sealFile(new Uint8Array(4)));
  w.guest(1).rekey(w.now);
  w.run();
  const opened = late.map((frame) => {
    w.pass(9_000);
    return w.host.ring.openFile(frame, w.now) !== null;
  });
  expect(opened).toEqual([true, true, true, true, true, true, false, false]);
  expect(w.host.ring.fading).toBe(false);
  agree(w);
});

test("keys are renewed by time, and the host reminds a guest that does not begin", () => {
  const w = pair(true);
  const wait = (minutes: number) => {
    for (let i = 0; i < minutes; i++) {
      w.pass(MINUTE);
      w.run();
    }
  };
  wait(31);
  expect(agree(w)).toBe(1);
  w.bend = () => null; // the server loses everything, and with it every run
  w.overChannel = false;
  w.host.rekey(w.now);
  w.guest(1).rekey(w.now);
  wait(34);
  w.bend = (f) => f.frame;
  w.overChannel = true;
  wait(5);
  expect(agree(w)).toBeGreaterThan(1);
});

test("any message of the run may be lost with its channel", SLOW, () => {
  for (let lost = 0; lost < 8; lost++) {
    const w = pair(true);
    w.guest(1).rekey(w.now);
    w.collect();
    for (let i = 0; i < lost; i++) w.carry();
    replaceChannel(w);
    for (let i = 0; i < 6; i++) {
      w.pass(10_000);
      w.run();
    }
    expect([...w.codes(HOST), ...w.codes(1)]).toEqual([]);
    w.guest(1).send(CHAT, w.now); // if "ready" was lost: whatever the guest says shows that it has the keys
    w.run();
    expect(agree(w)).toBeGreaterThan(0);
  }
});

test("the socket may be lost at any step, and the guest comes back without a knock", SLOW, () => {
  for (let step = 0; step < 8; step++) {
    const w = pair(true);
    w.guest(1).rekey(w.now);
    w.collect();
    for (let i = 0; i < step; i++) w.carry();
    const late = w.channel.splice(0);
    w.cut(1);
    w.connect(1);
    w.run();
    w.channel.push(...late);
    w.run();
    expect([...w.codes(HOST), ...w.codes(1)]).toEqual([]);
    replaceChannel(w);
    agree(w);
    w.guest(1).send(CHAT, w.now); // still admitted
  }
});

test("M4 of a resumption is lost with its connection", () => {
  const w = pair(false);
  w.cut(1);
  w.connect(1);
  for (let i = 0; i < 3; i++) w.step(); // M1, M2, M3
  w.cut(1);
  w.connect(1);
  w.run();
  expect(w.codes(1)).toEqual([]);
  expect(agree(w)).toBe(1);
});

test("A30: the state that a re-key was made from has served", () => {
  const w = pair(true);
  const [before] = w.effects(1, "resume").at(-1)?.resume ?? [];
  w.guest(1).rekey(w.now);
  w.run();
  const kept = w.effects(HOST, "resume").at(-1)?.resume ?? [];
  expect(kept.map((s) => s.epoch)).toEqual([1]);
  expect(kept.some((s) => toHex(s.id) === toHex(before?.id ?? new Uint8Array()))).toBe(false);
});

test("another channel may begin later, and not skip after that", () => {
  const w = pair(true);
  const seal = () => w.guest(1).sealData(CHAT);
  const first = seal();
  w.host.openData(first, w.now);
  seal(); // lost
  const third = seal();
  expect(() => w.host.openData(third, w.now)).toThrow("E_SEQ");
  replaceChannel(w);
  expect(() => w.host.openData(first, w.now)).toThrow("E_SEQ");
  expect(w.host.openData(third, w.now)).toEqual(CHAT);
  seal();
  expect(() => w.host.openData(seal(), w.now)).toThrow("E_SEQ");
});

const STEPS = [
  "guest",
  "host",
  "carry",
  "carry",
  "carry",
  "relay",
  "relay",
  "drop",
  "lane",
  "channel",
  "connect",
  "wait",
] as const;

function walk(w: World, what: (typeof STEPS)[number]): void {
  if (what === "guest") w.guest(1).rekey(w.now);
  else if (what === "host") w.host.rekey(w.now);
  else if (what === "carry") w.carry();
  else if (what === "relay") {
    const held = w.channel.splice(0); // the two lanes do not wait for each other
    w.step();
    w.channel.unshift(...held);
  } else if (what === "drop") w.queue.shift();
  else if (what === "lane") w.overChannel = !w.overChannel;
  else if (what === "channel") replaceChannel(w);
  else if (what === "wait") w.pass(6_000);
  else {
    w.cut(1);
    w.connect(1);
  }
  w.collect();
}

test(
  "whatever is lost, the two never send under different keys, and the guest can come back",
  { timeout: 60_000 },
  () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...STEPS), { maxLength: 30 }), (steps) => {
        const w = pair(true);
        for (const s of steps) {
          walk(w, s);
          const theirs = new Set(w.effects(1, "epoch").map((e) => toHex(e.session.id)));
          for (const e of w.effects(HOST, "epoch")) if (e.sending) expect(theirs.has(toHex(e.session.id))).toBe(true);
        }
        w.cut(1);
        w.connect(1);
        w.run();
        w.guest(1).send(CHAT, w.now);
        replaceChannel(w);
        w.overChannel = true;
        w.pass(2_000);
        w.guest(1).rekey(w.now);
        w.run();
        agree(w);
      }),
      { numRuns: 20 },
    );
  },
);
