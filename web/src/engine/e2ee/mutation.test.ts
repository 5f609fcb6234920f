import { describe, expect, test } from "vitest";
import { deriveHost, deriveLink, guestLink } from "./derive.ts";
import { concat, lv } from "./encode.ts";
import { codeOf } from "./errors.ts";
import { GuestHandshake, type HandshakeInput, HostHandshake } from "./handshake.ts";
import { newLink, secureRandom } from "./link.ts";
import { partyFrom } from "./party.ts";
import { CAPS } from "./world.testing.ts";

const link = newLink(secureRandom, 0);
const hostKeys = deriveHost(link);
const base = { cidGuest: secureRandom(16), cidHost: secureRandom(16), resume: null };
const guestInput: HandshakeInput = { ...partyFrom({ link: guestLink(link), caps: CAPS }), ...base };
const hostInput: HandshakeInput = { ...partyFrom({ link, caps: CAPS }), ...base };

type Bend = (m: Uint8Array) => Uint8Array;
const keep: Bend = (m) => m;

/** Runs a handshake with one message bent; the codes of whoever stopped, and whether both ended content. */
function run(
  number: 1 | 2 | 3 | 4,
  bend: Bend,
  guestIn = guestInput,
  hostIn = hostInput,
): { code: string; both: boolean } {
  const via = (n: number, m: Uint8Array): Uint8Array => (n === number ? bend(m) : m);
  try {
    const guest = new GuestHandshake(guestIn);
    const host = new HostHandshake(hostIn, hostKeys, via(1, guest.m1));
    const m3 = guest.receiveM2(via(2, host.m2));
    const { m4 } = host.receiveM3(via(3, m3));
    guest.receiveM4(via(4, m4));
    return { code: "", both: true };
  } catch (e) {
    return { code: codeOf(e), both: false };
  }
}

function flip(at: number, bit: number): Bend {
  return (m) => m.map((b, i) => (i === at ? b ^ (1 << bit) : b));
}

test("unbent, both are content", () => {
  expect(run(1, keep)).toEqual({ code: "", both: true });
});

const EXPECTED = [
  "E_PARSE",
  "E_VERSION",
  "E_POINT",
  "E_KEM",
  "E_HOSTKEY",
  "E_HOSTSIG",
  "E_CONFIRM",
  "E_COMMIT",
  "E_POLICY",
];

// M1 and M2 carry a kilobyte of ML-KEM each: there every 61st byte, elsewhere
// every byte that begins, ends or is inside another field (every fourth).
const places = (length: number, kem: readonly [number, number]): number[] =>
  Array.from({ length }, (_, i) => i).filter((i) => (i > kem[0] && i < kem[1] ? i % 61 === 0 : i % 4 === 0 || i < 8));

describe.each([
  { number: 1, length: new GuestHandshake(guestInput).m1.length, kem: [50, 1220] },
  {
    number: 2,
    length: new HostHandshake(hostInput, hostKeys, new GuestHandshake(guestInput).m1).m2.length,
    kem: [50, 1125],
  },
  { number: 3, length: 69, kem: [0, 0] },
  { number: 4, length: 69, kem: [0, 0] },
] as const)("M$number", ({ number, length, kem }) => {
  test("no flipped bit leaves both sides content", { timeout: 60_000 }, () => {
    const codes = new Set<string>();
    for (const at of places(length, kem)) {
      const { code, both } = run(number, flip(at, at % 8));
      expect({ at, both }).toEqual({ at, both: false });
      codes.add(code);
    }
    expect([...codes].filter((c) => !EXPECTED.includes(c))).toEqual([]);
  });

  test.each<[string, Bend]>([
    ["cut off", (m) => m.slice(0, -1)],
    ["longer", (m) => concat(m, Uint8Array.of(0))],
    ["empty", () => new Uint8Array(0)],
    ["length not minimal", (m) => concat(Uint8Array.of(0x82, 0x00), m.slice(1))],
    ["one field more", (m) => concat(m, lv(new Uint8Array(4)))],
    ["another name", (m) => concat(Uint8Array.of(2, 0x4d, 0x35), m.slice(3))],
    ["another message's name", (m) => concat(Uint8Array.of(2, 0x4d, 0x30 + (5 - number)), m.slice(3))],
  ])("%s", (_, bend) => {
    expect(run(number, bend)).toEqual({ code: "E_PARSE", both: false });
  });
});

describe("replays and swaps", () => {
  test("an M2 of another run", () => {
    const other = new HostHandshake(hostInput, hostKeys, new GuestHandshake(guestInput).m1).m2;
    expect(run(2, () => other)).toEqual({ code: "E_HOSTSIG", both: false });
  });

  test("an M3 or M4 of another run", () => {
    const guest = new GuestHandshake(guestInput);
    const host = new HostHandshake(hostInput, hostKeys, guest.m1);
    const m3 = guest.receiveM2(host.m2);
    const { m4 } = host.receiveM3(m3);
    expect(run(3, () => m3).code).toBe("E_CONFIRM");
    expect(run(4, () => m4).code).toBe("E_COMMIT");
    expect(() => host.receiveM3(m3)).toThrow("E_STATE");
  });

  test("a message reflected to its sender", () => {
    const guest = new GuestHandshake(guestInput);
    expect(() => guest.receiveM2(guest.m1)).toThrow("E_PARSE");
    const host = new HostHandshake(hostInput, hostKeys, guest.m1);
    expect(() => new HostHandshake(hostInput, hostKeys, host.m2)).toThrow("E_PARSE");
    const m3 = guest.receiveM2(host.m2);
    expect(() => guest.receiveM4(m3)).toThrow("E_PARSE");
  });

  test("connection ids that differ, or are swapped", () => {
    const swapped = { ...hostInput, cidGuest: base.cidHost, cidHost: base.cidGuest };
    expect(run(1, keep, guestInput, swapped).code).toBe("E_HOSTSIG");
  });

  test("another password; a host that is not the one in the link", () => {
    expect(run(1, keep, { ...guestInput, password: new Uint8Array(32) }).code).toBe("E_CONFIRM");
    const stranger = newLink(secureRandom, 0);
    const pinned = { ...deriveLink(guestLink(link)), hostKeyHash: deriveLink(stranger).hostKeyHash };
    expect(run(1, keep, { ...guestInput, keys: pinned }).code).toBe("E_HOSTKEY");
  });

  test("resumed though not asked, and with an epoch out of order", () => {
    const state = { id: secureRandom(16), secret: secureRandom(32), epoch: 3, verified: false, expires: Infinity };
    expect(run(1, keep, guestInput, { ...hostInput, resume: state }).code).toBe("E_EPOCH");
    const later = { ...hostInput, resume: { ...state, epoch: 4 } };
    expect(run(1, keep, { ...guestInput, resume: state }, later).code).toBe("E_EPOCH");
    expect(run(1, keep, { ...guestInput, resume: state }, { ...hostInput, resume: state }).both).toBe(true);
    const other = { ...state, secret: secureRandom(32) };
    expect(run(1, keep, { ...guestInput, resume: state }, { ...hostInput, resume: other }).code).toBe("E_CONFIRM");
  });

  test("what one side demands and the other has off", () => {
    const weak = partyFrom({ link: guestLink(link), caps: { ...CAPS, sframe: 0 } });
    const strict = partyFrom({ link, caps: { ...CAPS, sframe: 2 } });
    expect(run(1, keep, { ...guestInput, ...weak }, { ...hostInput, ...strict }).code).toBe("E_POLICY");
  });
});
