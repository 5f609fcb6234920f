import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { guestLink } from "./derive.ts";
import type { Effect } from "./effects.ts";
import { fromHex, fromUtf8, toHex, utf8 } from "./encode.ts";
import { Guest } from "./guest.ts";
import { Host } from "./host.ts";
import { FlagPassword, type Link, newLink, secureRandom } from "./link.ts";
import type { Session } from "./session.ts";
import { CAPS, PASSWORD, WRONG } from "./world.testing.ts";

const ROOT = new URL("../../../../", import.meta.url);
const NOW = 1_700_000_000_000;
const SLOT = 7;
const HELLO = '{"t":"chat","id":"1","text":"hello"}';
const SALUT = '{"t":"chat","id":"2","text":"salut"}';

let dir = "";
let go: GoMachine | null = null;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "interop-"));
  execFileSync("go", ["build", "-o", join(dir, "interop"), "./test/interop"], { cwd: ROOT });
}, 300_000); // compiling from nothing on a small machine
afterEach(() => go?.close());
afterAll(() => rmSync(dir, { recursive: true }));

/** A machine of the Go package in its own process: see test/interop. */
class GoMachine {
  readonly #process: ChildProcess;
  readonly #waiting: ((lines: string[]) => void)[] = [];
  readonly #gone: Promise<never>;
  /** Everything but frames. */
  readonly said: string[] = [];

  constructor() {
    const process = spawn(join(dir, "interop"), { stdio: ["pipe", "pipe", "inherit"] });
    this.#process = process;
    this.#gone = new Promise((_, reject) =>
      process.once("exit", (code) => reject(new Error(`interop ended: ${code}`))),
    );
    this.#gone.catch(() => {}); // unless somebody waits
    let lines: string[] = [];
    createInterface({ input: process.stdout }).on("line", (line) => {
      if (line !== ".") return void lines.push(line);
      this.#waiting.shift()?.(lines);
      lines = [];
    });
  }

  /** Gives it one event; returns the frames that it sends in answer. */
  async event(...words: readonly (string | number)[]): Promise<Uint8Array[]> {
    const answer = new Promise<string[]>((resolve) => this.#waiting.push(resolve));
    this.#process.stdin?.write(`${words.join(" ")}\n`);
    const lines = await Promise.race([answer, this.#gone]);
    this.said.push(...lines.filter((l) => !/^(frame|say) /.test(l)));
    return lines.filter((l) => /^(frame|say) /.test(l)).map((l) => fromHex(l.split(" ").at(-1) ?? ""));
  }

  close(): void {
    this.#process.stdin?.end();
  }
}

/** Passes frames between our machine and the Go one until both are silent. */
async function run(ours: Host | Guest, theirs: GoMachine, arriving: Uint8Array[], seen: Effect[]): Promise<void> {
  const toUs = [...arriving];
  for (;;) {
    const effects = ours.drain();
    seen.push(...effects);
    for (const e of effects)
      if (e.kind === "send-frame") toUs.push(...(await theirs.event("recv", SLOT, toHex(e.frame))));
    const frame = toUs.shift();
    if (frame) {
      if (ours instanceof Host) ours.receive(SLOT, frame, NOW);
      else ours.receive(frame, NOW);
    } else if (effects.length === 0) return;
  }
}

function sessions(seen: readonly Effect[]): Session[] {
  return seen.flatMap((e) => (e.kind === "ready" ? [e.session] : []));
}

/** The line that the Go side prints for the same session. */
function described(slot: number, s: Session): string {
  const [fpGuest, fpHost] = [1, 2].map((b) => new Uint8Array(32).fill(b, 0, 1));
  if (!fpGuest || !fpHost) throw new Error("no fingerprints");
  const secrets = [s.id, s.media(), s.bind("guest", fpGuest, fpHost), s.bind("host", fpGuest, fpHost)].map(toHex);
  return ["ready", slot, s.resumed, s.epoch, s.sas.digits, ...secrets].join(" ");
}

/** Data frames open on the other side, both ways. */
async function talk(theirs: GoMachine, s: Session): Promise<void> {
  await theirs.event("open", toHex(s.sealData(utf8(HELLO))));
  expect(theirs.said.pop()).toBe(`opened ${HELLO}`);
  await theirs.event("data", SALUT);
  expect(fromUtf8(s.openData(fromHex(theirs.said.pop()?.split(" ")[1] ?? "")))).toBe(SALUT);
}

/** One connection of a guest to a host, either of them in Go. */
async function connect(ours: Host | Guest, theirs: GoMachine, seen: Effect[]): Promise<void> {
  const [cidGuest, cidHost] = [secureRandom(16), secureRandom(16)];
  if (ours instanceof Host) {
    ours.connected(cidHost, NOW);
    ours.peerArrived(SLOT, cidGuest, NOW);
    await theirs.event("connected", toHex(cidGuest));
    return run(ours, theirs, await theirs.event("online", toHex(cidHost)), seen);
  }
  await theirs.event("connected", toHex(cidHost));
  await theirs.event("peer", SLOT, toHex(cidGuest));
  ours.connected(cidGuest, NOW);
  ours.hostOnline(cidHost, NOW);
  return run(ours, theirs, [], seen);
}

async function start(role: "host" | "guest", link: Link, password: string): Promise<GoMachine> {
  go = new GoMachine();
  await go.event(role, (role === "host" ? link : guestLink(link)).fragment(), password);
  return go;
}

/** Renews the keys over the data channel, begun by either side, until both are silent. */
async function rekey(ours: Host | Guest, theirs: GoMachine, begin: "ours" | "theirs"): Promise<Session> {
  const at = NOW + 5_000;
  const toUs = await theirs.event("tick", 5_000);
  if (begin === "ours") ours.rekey(at);
  else toUs.push(...(await theirs.event("rekey")));
  let session: Session | null = null;
  for (;;) {
    for (const e of ours.drain()) {
      if (e.kind === "say") toUs.push(...(await theirs.event("opened", toHex(ours.sealData(e.json)))));
      if (e.kind === "epoch" && e.sending) session = e.session;
    }
    const frame = toUs.shift();
    if (frame) ours.openData(frame, at);
    else if (session) return session;
    else throw new Error("no new keys");
  }
}

/** Both are in the same epoch, and hear each other in it. */
async function talkInEpoch(ours: Host | Guest, theirs: GoMachine, s: Session, slot: number): Promise<void> {
  expect(theirs.said).toContain(described(slot, s));
  await theirs.event("opened", toHex(ours.sealData({ t: "chat", id: "1", text: "hello" })));
  expect(theirs.said.at(-1)).toBe(`heard ${HELLO}`);
}

test("host in TypeScript, guest in Go: password, admission, resumption", { timeout: 30_000 }, async () => {
  const link = newLink(secureRandom, FlagPassword);
  const host = new Host({ link, password: PASSWORD, caps: CAPS });
  const guest = await start("guest", link, toHex(WRONG));
  const seen: Effect[] = [];
  await connect(host, guest, seen);
  expect(guest.said).toEqual(["wrong-password 1 false"]);
  const m1 = await guest.event("password", toHex(PASSWORD));
  await run(host, guest, m1, seen);
  host.tick(NOW + 1_000);
  await run(host, guest, [], seen);
  const [first] = sessions(seen);
  if (!first) throw new Error("no session");
  expect(guest.said.at(-1)).toBe(described(0, first));
  await talk(guest, first);

  await run(host, guest, await guest.event("send", 0, '{"t":"knock","name":"Ana"}'), seen);
  expect(seen.at(-1)).toMatchObject({ kind: "message", type: "knock", json: { name: "Ana" } });
  host.send(SLOT, { t: "admit", policy: {} }, NOW);
  await run(host, guest, [], seen);
  expect(guest.said.at(-1)).toBe('message 0 {"t":"admit","policy":{}}');

  host.peerGone(SLOT, NOW);
  await guest.event("disconnected");
  await connect(host, guest, seen);
  const resumed = sessions(seen)[1];
  if (!resumed) throw new Error("not resumed");
  expect([resumed.resumed, resumed.epoch]).toEqual([true, 1]);
  expect(guest.said.at(-1)).toBe(described(0, resumed));

  const second = await rekey(host, guest, "ours");
  expect(second.epoch).toBe(2);
  await talkInEpoch(host, guest, second, 0);
});

test("host in Go, guest in TypeScript: password, admission, resumption", { timeout: 30_000 }, async () => {
  const link = newLink(secureRandom, FlagPassword);
  const guest = new Guest({ link: guestLink(link), password: WRONG, caps: CAPS });
  const host = await start("host", link, toHex(PASSWORD));
  const seen: Effect[] = [];
  await connect(guest, host, seen);
  expect(seen.at(-1)).toEqual({ kind: "wrong-password", failures: 1, locked: false });
  expect(host.said).toContain("wrong-password 1 false");
  guest.setPassword(PASSWORD, NOW);
  await run(guest, host, [], seen);
  await run(guest, host, await host.event("tick", 1_000), seen);
  const [first] = sessions(seen);
  if (!first) throw new Error("no session");
  expect(host.said.at(-1)).toBe(described(SLOT, first));
  await talk(host, first);

  guest.send({ t: "knock", name: "Ana" }, NOW);
  await run(guest, host, [], seen);
  expect(host.said.at(-1)).toBe(`message ${SLOT} {"t":"knock","name":"Ana"}`);
  await run(guest, host, await host.event("send", SLOT, '{"t":"admit","policy":{}}'), seen);
  expect(seen.at(-1)).toMatchObject({ kind: "message", type: "admit" });

  await host.event("gone", SLOT);
  guest.disconnected(NOW);
  await connect(guest, host, seen);
  const resumed = sessions(seen)[1];
  if (!resumed) throw new Error("not resumed");
  expect([resumed.resumed, resumed.epoch]).toEqual([true, 1]);
  expect(host.said).toContain(described(SLOT, resumed));

  const second = await rekey(guest, host, "theirs");
  expect(second.epoch).toBe(2);
  await talkInEpoch(guest, host, second, SLOT);
});
