import { randomBytes } from "node:crypto";
import type { Page, WebSocketRoute } from "@playwright/test";
import { connect, expectLive, expectPicture } from "../support/call.ts";
import { expect, test } from "../support/fixtures.ts";
import { holdWorkers, unplayed } from "../support/frames.ts";

/** What a page's server is made to say beside the truth, and what it hears. */
class Voice {
  /** Hears of each frame of the page before it goes on. */
  heard: () => void = () => undefined;
  readonly toPage: Buffer[] = [];
  #page: WebSocketRoute | null = null;
  #server: WebSocketRoute | null = null;
  #other: { slot?: number; cid?: string } = {};

  async of(page: Page): Promise<void> {
    await page.routeWebSocket("**/ws", (route) => {
      this.#page = route;
      const server = (this.#server = route.connectToServer());
      route.onMessage((said) => {
        if (typeof said !== "string") this.heard();
        server.send(said);
      });
      server.onMessage((said) => {
        this.#note(said);
        route.send(said);
      });
    });
  }

  /** Where the other side is, as the server has told last. */
  get other(): { slot: number; cid: string } {
    const { slot = 0, cid = "" } = this.#other;
    return { slot, cid };
  }

  say(...all: (object | string | Buffer)[]): void {
    for (const one of all)
      this.#page?.send(typeof one === "string" || Buffer.isBuffer(one) ? one : JSON.stringify(one));
  }

  /** Closes the connection with a code, as a server does. */
  async end(code: number): Promise<void> {
    await this.#page?.close({ code });
  }

  /** Breaks the connection. */
  async hangUp(): Promise<void> {
    await Promise.all([this.#server?.close(), this.#page?.close()]);
  }

  #note(said: string | Buffer): void {
    if (typeof said !== "string") return void this.toPage.push(said);
    const message = JSON.parse(said) as { type: string; slot?: number; cid?: string };
    if (message.cid && ["peer", "host"].includes(message.type)) this.#other = message;
  }
}

interface Seen {
  states: string[][]; // of each connection, in order
}

/** Notes what must not happen to a page in a call. */
async function observe(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const page = (window.top ?? window) as unknown as { seen?: Seen };
    const seen = (page.seen ??= { states: [] });
    globalThis.RTCPeerConnection = class extends RTCPeerConnection {
      constructor(configuration?: RTCConfiguration) {
        super(configuration);
        const states: string[] = [];
        seen.states.push(states);
        this.addEventListener("connectionstatechange", () => states.push(this.connectionState));
      }
    };
  });
}

const frame = (slot: number, bytes: Uint8Array) => Buffer.concat([Buffer.from([slot >> 8, slot & 255]), bytes]);
const times = <T>(n: number, make: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i));
const someId = () => randomBytes(16).toString("base64url");

/** Two people in a call, and both their servers' voices; `after` looks at what became of the call. */
async function stage(person: () => Promise<Page>) {
  const pages = [await person(), await person()] as const;
  const [host, guest] = pages;
  const [toHost, toGuest] = [new Voice(), new Voice()];
  await Promise.all([toHost.of(host), toGuest.of(guest), ...pages.map(observe), ...pages.map(holdWorkers)]);
  await connect(host, guest);
  await Promise.all(pages.map((page) => expectPicture(page)));
  const before = await Promise.all(pages.map(unplayed));
  const uninterrupted = async () => {
    await Promise.all(pages.map((page) => expectPicture(page)));
    await Promise.all(pages.map((page) => expectLive(page)));
    for (const [i, page] of pages.entries()) {
      const seen = await page.evaluate(() => (globalThis as unknown as { seen: Seen }).seen);
      // Others are on standby, made anew with new servers; the one in use is never replaced.
      expect(seen.states[0]).toEqual(["connecting", "connected"]);
      await expect
        .poll(() => unplayed(page), "every frame that arrived was played")
        .toBeLessThanOrEqual(before[i] ?? 0);
    }
  };
  return { host, guest, toHost, toGuest, uninterrupted };
}

test("B06 a host that is said to come and go: no answer to an earlier question ends the call", async ({ person }) => {
  const { toGuest, uninterrupted } = await stage(person);
  const { cid } = toGuest.other;
  const before = toGuest.toPage.length;
  toGuest.say(
    ...times(10, () => [
      { type: "host", online: false },
      { type: "host", online: true, cid },
    ]).flat(),
  );
  await expect.poll(() => toGuest.toPage.length - before).toBeGreaterThanOrEqual(3); // a handshake, and hello
  await uninterrupted();
});

test("B06 junk for the host in the middle of a new handshake: the call goes on, and the next one comes about", async ({
  person,
}) => {
  const { toHost, toGuest, uninterrupted } = await stage(person);
  const { slot } = toHost.other;
  let sent = 0;
  toGuest.heard = () => {
    if (++sent === 2) toHost.say(...times(3, () => frame(slot, randomBytes(552)))); // before M3
  };
  toGuest.say({ type: "host", online: false }, { type: "host", online: true, cid: toGuest.other.cid });
  await expect.poll(() => sent).toBeGreaterThanOrEqual(2);
  await uninterrupted();
  const before = toGuest.toPage.length;
  await toGuest.hangUp();
  await expect.poll(() => toGuest.toPage.length - before).toBeGreaterThanOrEqual(3); // M2, M4, hello
  await uninterrupted();
});

test("B06 malformed, huge, replayed and repeated messages for both: the call goes on", async ({ person }) => {
  const { toHost, toGuest, uninterrupted } = await stage(person);
  const texts = [
    "{",
    "null",
    "[]",
    '{"type":7}',
    '{"type":"welcome"}',
    '{"type":"joined","slot":-1}',
    '{"type":"peer","slot":1e99}',
    '{"type":"host","online":true,"cid":"no id"}',
    '{"type":"ice","ice":{"servers":[],"expires_ms":-1}}',
    '{"type":"going_away","retry_ms":1000000000}',
    `{"type":"error","code":"${"E".repeat(60_000)}"}`,
    "[".repeat(60_000),
  ];
  for (const voice of [toGuest, toHost]) {
    const { slot, cid } = voice.other;
    const slots = [slot, 0, slot + 1, 65_535];
    voice.say(...times(50, () => texts).flat());
    voice.say(...times(50, () => [0, 1, 2, 3, 17, 60_000].map((n) => Buffer.alloc(n))).flat());
    voice.say(...voice.toPage.slice(-20));
    voice.say(...slots.flatMap((s) => times(20, () => frame(s, randomBytes(552)))));
    await uninterrupted();
    voice.say(...times(20, () => ({ type: "host", online: true, cid: someId() })));
    voice.say(...times(200, (i) => ({ type: "peer", slot: slot + i, cid: someId(), state: "waiting" })));
    voice.say(...times(20, () => ({ type: "peer", slot, cid, state: "waiting" })));
    voice.say({ type: "host", online: true, cid }, { type: "host", online: false });
    voice.say({ type: "peer", slot, cid, state: "gone" });
    await uninterrupted();
  }
});

test("B16 a server's last words in mid-call: the call goes on, says so, and ends when one of the two leaves", async ({
  person,
}) => {
  const { host, guest, toHost, toGuest, uninterrupted } = await stage(person);
  toGuest.say({ type: "ended", reason: "host" });
  await toHost.end(4001);
  for (const page of [host, guest]) await expect(page.getByText("The server has closed this call.")).toBeVisible();
  await uninterrupted();
  await guest.getByRole("button", { name: "Leave" }).click();
  await expect(guest.getByRole("heading", { name: "You have left the call" })).toBeFocused();
  await expect(host.getByRole("heading", { name: "Ben has left the call" })).toBeFocused();
});
