import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { concat, fromHex, toHex, utf8 } from "../e2ee/encode.ts";
import type { LinkRole } from "../e2ee/link.ts";
import { encodeHeader, parseHeader } from "./header.ts";
import { deriveKey, nonce, sealSFrame } from "./key.ts";
import { FrameOpener } from "./opener.ts";
import { frameKid, type FrameKind } from "./profile.ts";
import { FrameSealer } from "./sealer.ts";

// The same files that package e2ee reads.
const DIR = new URL("../../../../e2ee/testdata/vectors/", import.meta.url);
const load = <T>(name: string): T => JSON.parse(readFileSync(new URL(name, DIR), "utf8")) as T;

interface FrameVector {
  readonly media: string;
  readonly epoch: number;
  readonly sender: LinkRole;
  readonly kind: FrameKind;
  readonly vp8: boolean;
  readonly ctr: number;
  readonly kid: number;
  readonly plain: string;
  readonly sealed: string;
}

interface Vectors {
  readonly headers: readonly string[];
  readonly aes_256_gcm_sha512: Readonly<
    Record<"base_key" | "sframe_salt" | "metadata" | "nonce" | "pt" | "ct", string>
  > & { readonly kid: number; readonly ctr: number };
  readonly frames: readonly FrameVector[];
}

interface CallVector {
  readonly media: string;
  readonly epoch: number;
  readonly sframe_audio_kid: number;
  readonly sframe_audio_plain: string;
  readonly sframe_audio_ctr0: string;
  readonly sframe_video_kid: number;
  readonly sframe_video_plain: string;
  readonly sframe_video_ctr300: string;
}

const vectors = load<Vectors>("sframe.json");

/** The frames in the vectors of whole calls. */
const ofCalls = load<readonly CallVector[]>("e2ee.json").flatMap((c): FrameVector[] => {
  const { media, epoch } = c;
  const audio = { kid: c.sframe_audio_kid, plain: c.sframe_audio_plain, sealed: c.sframe_audio_ctr0 };
  const video = { kid: c.sframe_video_kid, plain: c.sframe_video_plain, sealed: c.sframe_video_ctr300 };
  return [
    { media, epoch, sender: "host", kind: 0, vp8: false, ctr: 0, ...audio },
    { media, epoch, sender: "guest", kind: 1, vp8: true, ctr: 300, ...video },
  ];
});

test("headers are those of RFC 9605", () => {
  expect(vectors.headers).toHaveLength(289);
  for (const line of vectors.headers) {
    const [kid = "", ctr = "", hex = ""] = line.split(" ");
    expect(toHex(encodeHeader(BigInt(kid), BigInt(ctr))), line).toBe(hex);
    const bytes = fromHex(hex);
    const length = bytes.length;
    expect(parseHeader(concat(bytes, Uint8Array.of(0xaa)))).toEqual({ kid: BigInt(kid), ctr: BigInt(ctr), length });
    expect(parseHeader(bytes.subarray(0, -1)), `${line}, cut`).toBeNull();
  }
});

test.each(["8801", "80", "880007", "", "8f"])("no header: %s", (hex) => {
  expect(parseHeader(fromHex(hex))).toBeNull();
});

test("suite 5 is that of RFC 9605", async () => {
  const v = vectors.aes_256_gcm_sha512;
  const key = await deriveKey(v.kid, fromHex(v.base_key));
  expect(toHex(key.salt)).toBe(v.sframe_salt);
  expect(toHex(nonce(key.salt, BigInt(v.ctr)))).toBe(v.nonce);
  const header = encodeHeader(BigInt(v.kid), BigInt(v.ctr));
  const sealed = await sealSFrame(key, BigInt(v.ctr), concat(header, fromHex(v.metadata)), fromHex(v.pt));
  expect(toHex(concat(header, new Uint8Array(sealed)))).toBe(v.ct);
});

test.each([...vectors.frames, ...ofCalls])("frame with KID $kid, counter $ctr", async (v) => {
  expect(frameKid(v.epoch, v.sender, v.kind)).toBe(v.kid);
  const opener = new FrameOpener(v.sender);
  opener.setKeys(v.epoch, fromHex(v.media), 0);
  expect(toHex(bytes(await opener.open(v.kind, v.vp8, fromHex(v.sealed), 0)))).toBe(v.plain);
  if (v.ctr > 1000) return; // counting there frame by frame takes too long
  const sealer = new FrameSealer(v.sender);
  sealer.setKeys(v.epoch, fromHex(v.media));
  let sealed: Uint8Array | null = null;
  for (let i = 0; i <= v.ctr; i++) sealed = await sealer.seal(v.kind, v.vp8, fromHex(v.plain));
  expect(sealed && toHex(sealed)).toBe(v.sealed);
});

const FIRST = new Uint8Array(64).fill(1);
const SECOND = new Uint8Array(64).fill(2);

function pair(sender: LinkRole, media = FIRST) {
  const sealer = new FrameSealer(sender);
  const opener = new FrameOpener(sender);
  sealer.setKeys(0, media);
  opener.setKeys(0, media, 0);
  const seal = async (text: string, kind: FrameKind = 1) => bytes(await sealer.seal(kind, false, utf8(text)));
  return { sealer, opener, seal };
}

function bytes(value: Uint8Array | string | null): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new Error(`no frame: ${value}`);
  return value;
}

test("without keys nothing leaves and nothing is opened", async () => {
  expect(await new FrameSealer("host").seal(1, false, utf8("frame"))).toBeNull();
  expect(await new FrameOpener("host").open(1, false, Uint8Array.of(0x50, 0, 1, 2), 0)).toBe("no-key");
});

test("the same keys again do not start the counters again", async () => {
  const { sealer, seal } = pair("host");
  const first = await seal("frame");
  sealer.setKeys(0, FIRST.slice());
  expect(toHex(await seal("frame"))).not.toBe(toHex(first));
});

test("A37: again, of another stream or direction, of an old epoch: dropped", async () => {
  const { sealer, opener, seal } = pair("host");
  const [a, b] = [await seal("a"), await seal("b")];
  expect(await opener.open(1, false, b, 0)).toEqual(utf8("b"));
  expect(await opener.open(1, false, a, 0)).toEqual(utf8("a"));
  expect(await opener.open(1, false, b, 0)).toBe("repeat");
  expect(await opener.open(1, false, await seal("c", 0), 0)).toBe("invalid");
  expect(await opener.open(1, false, await pair("guest").seal("d"), 0)).toBe("invalid");

  const [late, later] = [await seal("e"), await seal("f")];
  sealer.setKeys(1, SECOND);
  const next = await seal("g");
  expect(await opener.open(1, false, next, 0)).toBe("no-key");
  opener.setKeys(1, SECOND, 0);
  expect(await opener.open(1, false, next, 0)).toEqual(utf8("g"));
  expect(await opener.open(1, false, late, 9_000)).toEqual(utf8("e"));
  expect(await opener.open(1, false, later, 11_000)).toBe("old");
});

test("the replay window is 1024 wide", async () => {
  const { opener, seal } = pair("guest");
  const frames: Uint8Array[] = [];
  for (let i = 0; i < 2060; i++) frames.push(await seal(String(i)));
  const open = (i: number) => opener.open(1, false, frames[i] ?? new Uint8Array(), 0);
  expect(await open(0)).toEqual(utf8("0"));
  expect(await open(1024)).toEqual(utf8("1024"));
  expect(await open(0)).toBe("repeat");
  expect(await open(1)).toEqual(utf8("1"));
  expect(await open(1)).toBe("repeat");
  expect(await open(2055)).toEqual(utf8("2055"));
  expect(await open(1040)).toEqual(utf8("1040"));
  expect(await open(1024)).toBe("repeat");
});

test("A36 and A38: frames in clear and changed frames are dropped", async () => {
  const { sealer } = pair("host");
  for (const plain of [concat(fromHex("504200009d012a8002e0"), utf8("picture")), concat(fromHex("51"), utf8("rest"))]) {
    const sealed = bytes(await sealer.seal(1, true, plain));
    for (let i = 0; i < sealed.length; i++) {
      const changed = sealed.slice();
      changed[i] = (changed[i] ?? 0) ^ 1;
      expect(await pair("host").opener.open(1, true, changed, 0), `byte ${i}`).not.toBeInstanceOf(Uint8Array);
    }
    expect(await pair("host").opener.open(1, true, plain, 0)).not.toBeInstanceOf(Uint8Array);
  }
});
