import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeCaps, effectivePolicy, type Level } from "./caps.ts";
import { decodeControl, encodeControl } from "./control.ts";
import { concat, fromBase64Url, fromHex, lv, readFields, toBase64Url, toHex, utf8 } from "./encode.ts";
import * as ed25519 from "./ed25519.ts";
import { deriveLink } from "./derive.ts";
import { newLink, parseFragment, parseUrl, secureRandom } from "./link.ts";
import { OuterOpener, OuterSealer, pad } from "./outer.ts";
import { canonicalPassword } from "./password.ts";
import { decodeMessage } from "./sealed.ts";
import { CAPS } from "./world.testing.ts";

const bytes = fc.uint8Array({ maxLength: 300 });

test("what is encoded decodes", () => {
  fc.assert(
    fc.property(bytes, bytes, (a, b) => {
      expect(fromBase64Url(toBase64Url(a))).toEqual(a);
      expect(fromHex(toHex(a))).toEqual(a);
      expect(readFields(lv(a, b), [null, null])).toEqual([a, b]);
    }),
  );
});

test.each(["A", "AB", "AAA=", "AA+/", "A A", "AAB"])("base64url %j is refused", (s) => {
  expect(() => fromBase64Url(s)).toThrow("E_PARSE");
});

describe("links", () => {
  const host = newLink(secureRandom, 5);
  test("round trip", () => {
    expect(host.fragment()).toHaveLength(47);
    expect(parseFragment(`#${host.fragment()}`).fragment()).toBe(host.fragment());
    const { origin, link } = parseUrl(` ${host.url("https://Call.Example:443")} `);
    expect([origin, link.flags, link.host]).toEqual(["https://call.example", 5, true]);
    expect(parseUrl(host.url("http://localhost:8080")).origin).toBe("http://localhost:8080");
  });

  const body = (...b: number[]): string => toBase64Url(Uint8Array.from(b));
  const seed = Array.from({ length: 32 }, () => 7);
  test.each<[string, string, string]>([
    ["nothing", "", "E_PARSE"],
    ["another letter", `x${body(1, 0, ...seed)}`, "E_PARSE"],
    ["a later version, longer", `h${body(2, 0, ...seed, 9)}`, "E_VERSION"],
    ["unknown flags", `h${body(1, 16, ...seed)}`, "E_PARSE"],
    ["too short", `h${body(1, 0, ...seed.slice(1))}`, "E_PARSE"],
    ["a host body as guest", `g${body(1, 0, ...seed)}`, "E_PARSE"],
    ["stray bits", `h${body(1, 0, ...seed).slice(0, -1)}d`, "E_PARSE"],
    ["only a letter", "h", "E_PARSE"],
  ])("%s", (_, fragment, code) => {
    expect(() => parseFragment(fragment)).toThrow(code);
  });

  test.each(["call.example/c#", "ftp://a/c#", "https://a/d#", "https://u:p@a/c#", "https://a/c?x=1#"])(
    "URL %s",
    (s) => {
      expect(() => parseUrl(s + host.fragment())).toThrow("E_PARSE");
    },
  );
});

describe("outer frames", () => {
  const keys = deriveLink(newLink(secureRandom, 0));
  const cid = secureRandom(16);

  test.each([
    [509, 512],
    [510, 512],
    [511, 2048],
    [2046, 2048],
    [8191, 32_768],
    [64_997, 65_000],
  ])("%i bytes take %i", (n, size) => {
    expect(pad(new Uint8Array(n))).toHaveLength(size);
  });

  test("too large", () => expect(() => pad(new Uint8Array(64_998))).toThrow("E_SIZE"));

  test("gaps are fine; repeats, reflections and damage are not", () => {
    const sealer = new OuterSealer(keys, "guest", cid);
    const frames = [0, 1, 2, 3].map((i) => sealer.seal(Uint8Array.of(0x10, i)));
    const [a, b, c, d] = frames;
    if (!a || !b || !c || !d) throw new Error("no frames");
    const opener = new OuterOpener(keys, "guest", cid);
    expect(opener.receive(a)).toEqual(Uint8Array.of(0x10, 0));
    expect(opener.receive(c)).toEqual(Uint8Array.of(0x10, 2));
    expect(opener.receive(b)).toBeNull();
    expect(opener.receive(d.map((x, i) => (i === 40 ? x ^ 1 : x)))).toBeNull();
    expect(opener.receive(d)).toEqual(Uint8Array.of(0x10, 3));
    expect(() => opener.receive(d)).toThrow("E_OUTER");
    expect(() => new OuterOpener(keys, "host", cid).open(a)).toThrow("E_OUTER");
    expect(() => new OuterOpener(keys, "guest", secureRandom(16)).open(a)).toThrow("E_OUTER");
    expect(() => new OuterOpener(keys, "guest", cid).open(a.slice(0, 30))).toThrow("E_OUTER");
  });
});

test("outer control", () => {
  expect(decodeControl(encodeControl("abort", "E_POINT"))).toEqual({ t: "abort", code: "E_CONFIRM" });
  expect(decodeControl(encodeControl("busy", "E_BUSY"))).toEqual({ t: "busy", code: "E_BUSY" });
  const raw = (s: string): Uint8Array => concat(Uint8Array.of(0x20), utf8(s));
  expect(decodeControl(raw('{"t":"abort","code":"E_INTERNAL"}'))).toEqual({ t: "abort", code: "E_CONFIRM" });
  for (const s of ["", "null", "[]", '{"t":"new"}', "{", `{"t":"abort","x":"${"x".repeat(600)}"}`]) {
    expect(decodeControl(raw(s))).toBeNull();
  }
});

test("passwords have one form", () => {
  expect(canonicalPassword("e\u0301\u00a0x\u3000")).toEqual(utf8("é x "));
  expect(canonicalPassword("x".repeat(256))).toHaveLength(256);
  for (const bad of ["", "x".repeat(257), "é".repeat(129), "\ud800"]) {
    expect(() => canonicalPassword(bad)).toThrow("E_PASSWORD_FORM");
  }
});

test("caps", () => {
  expect(decodeCaps(utf8('{"sframe":2,"v":null,"new":1}'))).toEqual({
    sframe: 2,
    video: [],
    record: 0,
    relay: 0,
    app: "",
  });
  for (const bad of [
    "",
    "[]",
    "null",
    '{"sframe":3}',
    '{"sframe":"1"}',
    '{"v":[1]}',
    '{"app":1}',
    `{"app":"${"x".repeat(600)}"}`,
  ]) {
    expect(() => decodeCaps(utf8(bad))).toThrow("E_PARSE");
  }
  const effective = (a: Level, b: Level): Level =>
    effectivePolicy({ ...CAPS, sframe: a }, { ...CAPS, sframe: b }).sframe;
  expect([effective(0, 0), effective(0, 1), effective(1, 1), effective(1, 2), effective(2, 2)]).toEqual([
    0, 0, 1, 2, 2,
  ]);
  expect(() => effective(2, 0)).toThrow("E_POLICY");
  expect(effectivePolicy({ ...CAPS, relay: 0 }, { ...CAPS, relay: 2 }).relay).toBe(2);
});

test("sealed messages have bounds", () => {
  const deep = (n: number): Uint8Array => utf8(`{"t":"x","a":${"[".repeat(n - 1)}${"]".repeat(n - 1)}}`);
  expect(decodeMessage(deep(6)).t).toBe("x");
  expect(decodeMessage(utf8('{"t":"x","a":"[[[[[[[[\\"[["}')).t).toBe("x");
  for (const bad of [deep(7), utf8("[]"), utf8('{"t":1}'), utf8("{}"), utf8("null"), Uint8Array.of(0x7b, 0xff)]) {
    expect(() => decodeMessage(bad)).toThrow("E_PARSE");
  }
  expect(() => decodeMessage(new Uint8Array(60_001))).toThrow("E_SIZE");
});

describe("Ed25519", () => {
  const seed = new Uint8Array(32).fill(3);
  const pub = ed25519.publicKey(seed);
  const message = utf8("m");
  const good = ed25519.sign(seed, message);
  const L = fromHex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010"); // the group order
  const addL = (sig: Uint8Array): Uint8Array => {
    let carry = 0;
    return sig.map((b, i) => {
      if (i < 32) return b;
      carry += b + (L[i - 32] ?? 0);
      const low = carry & 0xff;
      carry >>= 8;
      return low;
    });
  };

  test("a good signature", () => expect(ed25519.verify(pub, message, good)).toBe(true));

  test.each<[string, Uint8Array, Uint8Array]>([
    ["flipped", pub, good.map((b, i) => (i === 5 ? b ^ 1 : b))],
    ["S not reduced", pub, addL(good)],
    [
      "key of small order",
      fromHex(`01${"00".repeat(31)}`),
      concat(fromHex(`01${"00".repeat(31)}`), new Uint8Array(32)),
    ],
    ["key not canonical", fromHex(`ee${"ff".repeat(30)}7f`), good],
    ["short", pub, good.slice(1)],
  ])("%s", (_, key, signature) => expect(ed25519.verify(key, message, signature)).toBe(false));
});
