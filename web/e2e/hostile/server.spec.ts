import type { Page, WebSocketRoute } from "@playwright/test";
import { connect, enterAsHost, expectLive, expectPicture, knock, startCall } from "../support/call.ts";
import { expect, test } from "../support/fixtures.ts";

type Said = string | Buffer;

/** Puts a relay between a page and its server; it returns what arrives instead of each message. */
async function between(page: Page, bend: (said: Said, fromServer: boolean, route: WebSocketRoute) => Said[]) {
  await page.routeWebSocket("**/ws", (route) => {
    const server = route.connectToServer();
    route.onMessage((said) => bend(said, false, route).forEach((s) => server.send(s)));
    server.onMessage((said) => bend(said, true, route).forEach((s) => route.send(s)));
  });
}

test("A02 damaged frames: the page says so, and never shows words", async ({ person }) => {
  const [host, guest] = [await person(), await person()];
  const link = await startCall(host);
  await enterAsHost(host);
  await between(guest, (said, fromServer) => {
    if (typeof said === "string" || !fromServer) return [said];
    const damaged = Buffer.from(said);
    damaged[damaged.length - 1] = (damaged.at(-1) ?? 0) ^ 1;
    return [damaged, damaged, damaged];
  });
  await guest.goto(link);
  await expect(guest.getByRole("status").filter({ hasText: "somebody may be interfering" })).toBeVisible();
  await expect(guest.getByText("proven").first()).toBeHidden();
  await expect(host.getByRole("button", { name: "Admit" })).toBeHidden();
});

test("A08 a host without the key that the link promises: the guest stops", async ({ person }) => {
  const [host, guest] = [await person(), await person()];
  const link = await startCall(host);
  await enterAsHost(host);
  const at = link.length - 10; // in the hash of the host's key
  const other = link.slice(0, at) + (link[at] === "A" ? "B" : "A") + link.slice(at + 1);
  const frames: number[] = [];
  guest.on("websocket", (ws) =>
    ws.on("framesent", ({ payload }) => typeof payload !== "string" && frames.push(payload.length)),
  );
  await guest.goto(other);
  await expect(guest.getByText("could not prove that it is the host").first()).toBeVisible();
  expect(frames.length).toBeLessThanOrEqual(2); // M1 and the word that it gives up: no M3
  await expect(guest.locator("video[aria-label^='Picture of']")).toHaveCount(0);
});

test("B01 a server that says joined twice: no counter starts again", async ({ person }) => {
  const [host, guest] = [await person(), await person()];
  const headers: string[] = [];
  await between(guest, (said, fromServer) => {
    if (typeof said !== "string") {
      if (!fromServer) headers.push(said.subarray(2, 26).toString("hex"));
      return [said];
    }
    return fromServer && said.includes('"joined"')
      ? [said, said]
      : fromServer && said.includes('"host"')
        ? [said, said, '{"type":"joined","slot":0}', said]
        : [said];
  });
  await connect(host, guest);
  expect(headers.length).toBeGreaterThan(3);
  expect(new Set(headers).size).toBe(headers.length);
});

test("B04 a server that accepts and never answers is said to be one", async ({ person }) => {
  const [host, guest] = [await person(), await person()];
  const link = await startCall(host);
  await guest.routeWebSocket("**/ws", () => undefined);
  await guest.goto(link);
  await expect(guest.getByText("the server does not answer").first()).toBeVisible();
});

test("B05 STUN and TURN elsewhere, and names that are none: not used, and the call comes about", async ({ person }) => {
  const [host, guest] = [await person(), await person()];
  const evil = [
    { urls: ["stun:203.0.113.7:3478"] },
    { urls: ["no url"] },
    { urls: ["turn:203.0.113.7:3478"], username: "u", credential: "c" },
  ];
  for (const page of [host, guest]) {
    await page.addInitScript(() => {
      const used: string[] = [];
      Object.assign(globalThis, { used });
      const note = (c?: RTCConfiguration) => c?.iceServers?.forEach((s) => used.push(...[s.urls].flat()));
      globalThis.RTCPeerConnection = class extends RTCPeerConnection {
        constructor(configuration?: RTCConfiguration) {
          note(configuration);
          super(configuration);
        }
        override setConfiguration(configuration?: RTCConfiguration) {
          note(configuration);
          super.setConfiguration(configuration);
        }
      };
    });
    await between(page, (said, fromServer) => {
      if (typeof said !== "string" || !fromServer) return [said];
      const message = JSON.parse(said) as { ice?: { servers: object[] }; stun?: string[] };
      message.ice?.servers.unshift(...evil);
      message.stun?.unshift("stun:203.0.113.7:3478", "no url");
      return [JSON.stringify(message)];
    });
  }
  await connect(host, guest);
  await Promise.all([expectPicture(host), expectPicture(guest)]);
  for (const page of [host, guest]) {
    const used = await page.evaluate(() => (globalThis as unknown as { used: string[] }).used);
    expect(used.length).toBeGreaterThan(0);
    expect(used.filter((u) => !/^(stun|turn):127\.0\.0\.1:/.test(u))).toEqual([]);
  }
});

test("a man in the middle who replays what he has: nobody knocks twice", async ({ person }) => {
  const [host, guest] = [await person(), await person()];
  const link = await startCall(host);
  const old: Buffer[] = [];
  await between(host, (said, fromServer) => {
    if (typeof said === "string" || !fromServer) return [said];
    const again = old.length === 1 ? [old[0] as Buffer, old[0] as Buffer] : [];
    old.push(said);
    return [said, ...again];
  });
  await enterAsHost(host);
  await knock(guest, link, "Ben");
  await expect(host.getByRole("button", { name: "Admit" })).toHaveCount(1);
  await host.getByRole("button", { name: "Admit" }).click();
  await Promise.all([expectLive(host), expectLive(guest)]);
});
