import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { bindMac } from "./bind.ts";
import { decodeCaps } from "./caps.ts";
import * as cpace from "./cpace.ts";
import { deriveHost, deriveLink, guestLink, signServerAuth, verifyServerAuth } from "./derive.ts";
import { fromHex, fromUtf8, toBase64Url, toHex, utf8 } from "./encode.ts";
import { codeOf } from "./errors.ts";
import { GuestHandshake, type HandshakeInput, HostHandshake } from "./handshake.ts";
import { expandKey, hash } from "./kdf.ts";
import { Link, parseFragment } from "./link.ts";
import * as msg from "./messages.ts";
import { OuterOpener, OuterSealer } from "./outer.ts";
import { canonicalPassword, stretchPassword } from "./password.ts";
import { carry } from "./rekey.ts";
import type { ResumeState } from "./resume.ts";
import { sasFrom } from "./sas.ts";
import { encodeMessage, READY_MESSAGE } from "./sealed.ts";
import * as ks from "./schedule.ts";

// The same files that package e2ee reads.
const DIR = new URL("../../../../e2ee/testdata/vectors/", import.meta.url);
const load = <T>(name: string): T => JSON.parse(readFileSync(new URL(name, DIR), "utf8")) as T;

type Strings<K extends string> = Readonly<Record<K, string>>;
type Vector = Strings<
  | "HS"
  | "L"
  | "bind_guest"
  | "bind_host"
  | "call_id"
  | "ci"
  | "cid_g"
  | "cid_h"
  | "exporter"
  | "fp_g"
  | "fp_h"
  | "generator"
  | "guest_fragment"
  | "guest_sig_seed"
  | "host_fragment"
  | "host_key_hash"
  | "host_pub"
  | "isk"
  | "k_seal_g2h"
  | "k_seal_h2g"
  | "kem_m"
  | "kem_seed"
  | "m1_sha512"
  | "m2_sha512"
  | "m3"
  | "m4"
  | "media"
  | "next_resume_id"
  | "next_resume_secret"
  | "outer_g2h_ctr0_m3_sha512"
  | "outer_root"
  | "password_canonical"
  | "password_input"
  | "password_stretched"
  | "prk"
  | "prs"
  | "psk"
  | "pw_salt"
  | "r_g"
  | "r_h"
  | "resume_id"
  | "resume_secret"
  | "sas_bytes"
  | "sas_digits"
  | "sealed_g2h_ctr0"
  | "server_auth_sig"
  | "server_nonce"
  | "session_id"
  | "srv_pub"
  | "ss"
  | "th2"
  | "th3"
  | "th4"
  | "yg_uniform"
  | "yh_uniform"
> & {
  readonly epoch: number;
  readonly m1_len: number;
  readonly m2_len: number;
  readonly sas_emoji_index: readonly number[];
};

const vectors = load<readonly Vector[]>("e2ee.json");

type RekeyVector = Strings<
  | "guest_sig_seed"
  | "kem_m"
  | "kem_seed"
  | "m1_sha512"
  | "m2_sha512"
  | "m3"
  | "m4"
  | "media"
  | "n_g"
  | "n_h"
  | "next_resume_id"
  | "next_resume_secret"
  | "r_g"
  | "r_h"
  | "sas_digits"
  | "session_id"
  | "yg_uniform"
  | "yh_uniform"
> & { readonly continues: number; readonly epoch: number; readonly frames: readonly object[] };

const rekeyVector = load<RekeyVector>("rekey.json");
// What the vectors hold constant.
const CAPS = utf8('{"sframe":2}');
const ORIGIN = "https://call.example";
const SEALED = '{"t":"knock","name":"Ana"}';

/** Hands out the given bytes in order; a draw of another length fails the test. */
function scripted(...draws: readonly string[]): (length: number) => Uint8Array {
  const left = draws.map(fromHex);
  return (length) => {
    const next = left.shift();
    if (next?.length !== length) throw new Error(`unexpected draw of ${length} bytes`);
    return next;
  };
}

function inputs(v: Vector): { guest: HandshakeInput; host: HandshakeInput } {
  const resume: ResumeState | null =
    v.resume_id === ""
      ? null
      : {
          id: fromHex(v.resume_id),
          secret: fromHex(v.resume_secret),
          epoch: v.epoch - 1,
          verified: true,
          expires: Infinity,
        };
  const shared = {
    password: fromHex(v.password_stretched),
    cidGuest: fromHex(v.cid_g),
    cidHost: fromHex(v.cid_h),
    caps: decodeCaps(CAPS),
    capsBytes: CAPS,
    resume,
  };
  return {
    guest: {
      ...shared,
      keys: deriveLink(parseFragment(v.guest_fragment)),
      random: scripted(v.yg_uniform, v.kem_seed, v.guest_sig_seed, v.r_g),
    },
    host: {
      ...shared,
      keys: deriveLink(parseFragment(v.host_fragment)),
      random: scripted(v.yh_uniform, v.kem_m, v.r_h),
    },
  };
}

test.each(vectors)("link $call_id", (v) => {
  const host = parseFragment(v.host_fragment);
  const keys = deriveLink(host);
  expect(toHex(host.secret())).toBe(v.HS);
  expect(host.fragment()).toBe(v.host_fragment);
  expect(guestLink(host).fragment()).toBe(v.guest_fragment);
  expect(deriveLink(parseFragment(v.guest_fragment))).toEqual(keys);
  expect(toHex(keys.linkSecret)).toBe(v.L);
  expect(toHex(keys.hostKeyHash)).toBe(v.host_key_hash);
  expect(toHex(keys.callId)).toBe(v.call_id);
  expect(toHex(keys.psk)).toBe(v.psk);
  expect(toHex(keys.passwordSalt)).toBe(v.pw_salt);
  expect(toHex(keys.outer)).toBe(v.outer_root);
  expect(toHex(deriveHost(host).hostPub)).toBe(v.host_pub);
  expect(toHex(deriveHost(host).serverPub)).toBe(v.srv_pub);
});

test.each(vectors)("server signature $call_id", (v) => {
  const host = parseFragment(v.host_fragment);
  const [nonce, cid] = [fromHex(v.server_nonce), fromHex(v.cid_h)];
  const signature = signServerAuth(host, ORIGIN, nonce, cid);
  expect(toHex(signature)).toBe(v.server_auth_sig);
  const pub = fromHex(v.srv_pub);
  const call = fromHex(v.call_id);
  expect(verifyServerAuth(pub, signature, ORIGIN, nonce, call, cid)).toBe(true);
  expect(verifyServerAuth(pub, signature, "https://other.example", nonce, call, cid)).toBe(false);
});

test.each(vectors.filter((v) => v.password_input !== ""))("password $password_input", async (v) => {
  expect(canonicalPassword(v.password_input)).toEqual(utf8(v.password_canonical));
  expect(toHex(await stretchPassword(parseFragment(v.guest_fragment), v.password_input))).toBe(v.password_stretched);
});

test.each(vectors)("handshake $call_id", (v) => {
  const { guest: gi, host: hi } = inputs(v);
  const guest = new GuestHandshake(gi);
  expect(guest.m1.length).toBe(v.m1_len);
  expect(toHex(hash(guest.m1))).toBe(v.m1_sha512);
  const host = new HostHandshake(hi, deriveHost(parseFragment(v.host_fragment)), guest.m1);
  expect(host.m2.length).toBe(v.m2_len);
  expect(toHex(hash(host.m2))).toBe(v.m2_sha512);
  const m3 = guest.receiveM2(host.m2);
  expect(toHex(m3)).toBe(v.m3);
  const { m4, session: hs } = host.receiveM3(m3);
  expect(toHex(m4)).toBe(v.m4);
  const gs = guest.receiveM4(m4);

  const [fpG, fpH] = [fromHex(v.fp_g), fromHex(v.fp_h)];
  for (const s of [gs, hs]) {
    expect(s.epoch).toBe(v.epoch);
    expect(s.resumed).toBe(v.resume_id !== "");
    expect(s.sas.emoji).toEqual(v.sas_emoji_index);
    expect(s.sas.digits).toBe(v.sas_digits);
    expect(toHex(s.id)).toBe(v.session_id);
    expect(toHex(s.media())).toBe(v.media);
    expect(toHex(s.bind("guest", fpG, fpH))).toBe(v.bind_guest);
    expect(toHex(s.bind("host", fpG, fpH))).toBe(v.bind_host);
    const next = s.resumeState(false, 0);
    expect(toHex(next.id)).toBe(v.next_resume_id);
    expect(toHex(next.secret)).toBe(v.next_resume_secret);
  }
  expect(fromUtf8(hs.openSignaling(fromHex(v.sealed_g2h_ctr0)))).toBe(SEALED);
  expect(toHex(gs.sealSignaling(utf8(SEALED)))).toBe(v.sealed_g2h_ctr0);
  const outer = new OuterSealer(gi.keys, "guest", gi.cidGuest).seal(m3);
  expect(toHex(hash(outer))).toBe(v.outer_g2h_ctr0_m3_sha512);
  expect(new OuterOpener(hi.keys, "guest", gi.cidGuest).open(outer)).toEqual(m3);
});

test.each(vectors)("key schedule $call_id", (v) => {
  const { guest: gi, host: hi } = inputs(v);
  const guest = new GuestHandshake(gi);
  const m2 = msg.parseM2(new HostHandshake(hi, deriveHost(parseFragment(v.host_fragment)), guest.m1).m2);
  const m1 = msg.parseM1(guest.m1);
  const sid = fromHex(v.cid_g + v.cid_h);
  const ci = ks.channelIdentifier(fromHex(v.call_id), fromHex(v.host_key_hash));
  const prs = ks.passwordString(fromHex(v.L), fromHex(v.password_stretched));
  expect(toHex(ci)).toBe(v.ci);
  expect(toHex(prs)).toBe(v.prs);
  expect(toHex(cpace.cpaceGenerator(prs, ci, sid).toBytes())).toBe(v.generator);
  const k = cpace.cpaceShared(cpace.cpaceScalar(fromHex(v.yg_uniform)), m2.share);
  const isk = cpace.cpaceIsk(sid, k, m1, m2);
  expect(toHex(isk)).toBe(v.isk);
  const connection = { callId: fromHex(v.call_id), cidGuest: fromHex(v.cid_g), cidHost: fromHex(v.cid_h) };
  const th2 = ks.transcript2(connection, guest.m1, msg.signedM2(m2.share, m2.ad));
  expect(toHex(th2)).toBe(v.th2);
  const secrets = { isk, kem: fromHex(v.ss), psk: fromHex(v.psk), resume: fromHex(v.resume_secret) };
  const root = ks.rootKey(th2, secrets);
  expect(toHex(root)).toBe(v.prk);
  const th3 = ks.transcript3(th2, fromHex(v.m3));
  expect(toHex(th3)).toBe(v.th3);
  const th4 = ks.transcript4(th3, fromHex(v.m4));
  expect(toHex(th4)).toBe(v.th4);
  expect(toHex(expandKey(root, "seal g2h", th4, 32))).toBe(v.k_seal_g2h);
  expect(toHex(expandKey(root, "seal h2g", th4, 32))).toBe(v.k_seal_h2g);
  expect(toHex(expandKey(root, "exporter", th4, 32))).toBe(v.exporter);
  expect(sasFrom(fromHex(v.sas_bytes))).toMatchObject({ emoji: v.sas_emoji_index, digits: v.sas_digits });
  const bindKey = expandKey(root, "bind guest", th4, 64);
  expect(toHex(bindMac(bindKey, v.epoch, fromHex(v.fp_g), fromHex(v.fp_h)))).toBe(v.bind_guest);
});

interface CpaceVectors {
  readonly run: Strings<
    "prs" | "ci" | "sid" | "generator" | "ya_scalar" | "ada" | "ya" | "yb_scalar" | "adb" | "yb" | "k" | "isk_ir"
  >;
  readonly points: {
    readonly valid: Strings<"scalar" | "element" | "product">;
    readonly invalid_noncanonical: string;
    readonly invalid_identity: string;
  };
}

test("CPace as in the draft", () => {
  const { run: r } = load<CpaceVectors>("cpace.json");
  const g = cpace.cpaceGenerator(fromHex(r.prs), fromHex(r.ci), fromHex(r.sid));
  expect(toHex(g.toBytes())).toBe(r.generator);
  const [ya, yb] = [cpace.cpaceScalar(fromHex(r.ya_scalar)), cpace.cpaceScalar(fromHex(r.yb_scalar))];
  expect(toHex(cpace.cpaceShare(g, ya))).toBe(r.ya);
  expect(toHex(cpace.cpaceShare(g, yb))).toBe(r.yb);
  expect(toHex(cpace.cpaceShared(ya, fromHex(r.yb)))).toBe(r.k);
  expect(toHex(cpace.cpaceShared(yb, fromHex(r.ya)))).toBe(r.k);
  const [a, b] = [
    { share: fromHex(r.ya), ad: fromHex(r.ada) },
    { share: fromHex(r.yb), ad: fromHex(r.adb) },
  ];
  expect(toHex(cpace.cpaceIsk(fromHex(r.sid), fromHex(r.k), a, b))).toBe(r.isk_ir);
});

test("CPace refuses points that the draft calls invalid", () => {
  const { points: p } = load<CpaceVectors>("cpace.json");
  const s = cpace.cpaceScalar(fromHex(p.valid.scalar));
  expect(toHex(cpace.cpaceShared(s, fromHex(p.valid.element)))).toBe(p.valid.product);
  for (const bad of [p.invalid_noncanonical, p.invalid_identity]) {
    let code = "";
    try {
      cpace.cpaceShared(s, fromHex(bad));
    } catch (e) {
      code = codeOf(e);
    }
    expect(code).toBe("E_POINT");
  }
});

test("a link shows nothing when logged", () => {
  const link = new Link("host", 1, new Uint8Array(32).fill(7));
  expect(JSON.stringify(link)).toBe('{"role":"host","flags":1}');
});

test("a re-key over the data channel, byte for byte", () => {
  const v = rekeyVector;
  const before = vectors[v.continues];
  if (!before) throw new Error("nothing to continue");
  const first = inputs(before);
  const guest = new GuestHandshake(first.guest);
  const host = new HostHandshake(first.host, deriveHost(parseFragment(before.host_fragment)), guest.m1);
  const answer = host.receiveM3(guest.receiveM2(host.m2));
  const old = { guest: guest.receiveM4(answer.m4), host: answer.session };

  const shared = { cidGuest: fromHex(v.n_g), cidHost: fromHex(v.n_h), resume: old.guest.resumeState(false, 0) };
  const guestDraws = scripted(v.yg_uniform, v.kem_seed, v.guest_sig_seed, v.r_g);
  const g = new GuestHandshake({ ...first.guest, ...shared, random: guestDraws });
  const hostDraws = scripted(v.yh_uniform, v.kem_m, v.r_h);
  const hostKeys = deriveHost(parseFragment(before.host_fragment));
  const h = new HostHandshake({ ...first.host, ...shared, random: hostDraws }, hostKeys, g.m1);
  const m3 = g.receiveM2(h.m2);
  const { m4, session: hs } = h.receiveM3(m3);
  const gs = g.receiveM4(m4);
  expect([toHex(hash(g.m1)), toHex(hash(h.m2)), toHex(m3), toHex(m4)]).toEqual([v.m1_sha512, v.m2_sha512, v.m3, v.m4]);
  for (const s of [gs, hs]) {
    expect([s.epoch, s.sas.digits, toHex(s.id), toHex(s.media())]).toEqual([
      v.epoch,
      v.sas_digits,
      v.session_id,
      v.media,
    ]);
    const next = s.resumeState(false, 0);
    expect([toHex(next.id), toHex(next.secret)]).toEqual([v.next_resume_id, v.next_resume_secret]);
  }

  const n = shared.cidGuest;
  const said = [
    { t: "rekey", n: toBase64Url(n) },
    { t: "rekey-ok", n: toBase64Url(shared.cidHost), to: toBase64Url(n) },
    ...[g.m1, h.m2, m3, m4].map((m) => carry(n, m)),
    READY_MESSAGE,
    READY_MESSAGE,
  ];
  const frames = said.map((json, i) => {
    const { guest: us, host: them } = i < 6 ? old : { guest: gs, host: hs };
    const plain = encodeMessage(json);
    const frame = (i % 2 === 0 ? us : them).sealData(plain);
    return { from: i % 2 === 0 ? "guest" : "host", plain: fromUtf8(plain), frame_sha512: toHex(hash(frame)) };
  });
  expect(frames).toEqual(v.frames);
});
