import type { Page } from "@playwright/test";
import { startServer } from "../support/server.ts";
import { Wire } from "../support/wire.ts";
import { expect, test } from "./harness.ts";
import { chat, connect, end, expectFrames, expectPhase, phase } from "./steps.ts";

/**
 * Begins to watch the picture, and has seen it move when this resolves: a page that is slow to begin would only see what
 * comes after the stand-still.
 */
const watch = (page: Page) =>
  page.evaluate(async () => {
    const { video, peers } = window.engine;
    const states: string[] = [];
    for (const peer of peers)
      peer.addEventListener("iceconnectionstatechange", () => states.push(peer.iceConnectionState));
    const frame = () =>
      new Promise<number>((resolve) => video.requestVideoFrameCallback(() => resolve(performance.now())));
    let before = await frame();
    const stoodStill = async () => {
      for (;;) {
        const now = await frame();
        if (now - before > 500) return states.includes("disconnected");
        before = now;
      }
    };
    Object.assign(window, { stoodStill: stoodStill() });
  });
/** Waits until the picture has stood still and moves again; tells whether the browser itself had noticed by then. */
const stillness = (page: Page) =>
  page.evaluate(() => (window as unknown as { stoodStill: Promise<boolean> }).stoodStill);
/** Which of its connections this page shows the picture of. */
const shown = (page: Page) =>
  page.evaluate(() => {
    const { peers, call } = window.engine;
    const [track] = call?.remote?.stream.getVideoTracks() ?? [];
    return peers.findIndex((p) => p.getReceivers().some((r) => r.track === track));
  });
/** The ICE credentials in force here: a restart brings others. */
const path = (page: Page) =>
  page.evaluate(() => /a=ice-ufrag:(\S+)/.exec(window.engine.live?.currentLocalDescription?.sdp ?? "")?.[1]);

test("a path dies: picture and sound come back by another one, and nobody has to do anything", async ({ party }) => {
  const [host, guest, wire] = [await party(), await party(), new Wire(100)];
  for (const page of [host, guest]) await wire.join(page);
  await connect(host, guest);
  await expectFrames(host, guest);
  await Promise.all([watch(host), watch(guest)]);
  await wire.killPaths();
  // The goal, two seconds, is measured elsewhere. The browser itself notices after seven and does nothing.
  expect(await Promise.all([stillness(host), stillness(guest)])).toEqual([false, false]);
  await expectFrames(host, guest);
  await expectPhase("live", host, guest);
  // The first connection restarted, or the one on standby, or the one made on the spot: never more than these.
  const open = (page: Page) =>
    page.evaluate(() => window.engine.peers.filter((p) => p.connectionState !== "closed").length);
  for (const page of [host, guest]) expect(await open(page)).toBeLessThan(4);
  await wire.close();
});

/** Waits until a second connection is ready on both sides, and asleep. */
async function expectStandby(...pages: Page[]): Promise<void> {
  const asleep = (page: Page) =>
    page.evaluate(
      () => window.engine.peers.filter((p) => p.remoteDescription !== null && p.connectionState === "new").length,
    );
  for (const page of pages) await expect.poll(() => asleep(page)).toBe(1);
}

test("every path dies and the server with it: the connection on standby takes over", async ({ party }) => {
  const [host, guest, wire] = [await party(), await party(), new Wire(100)];
  for (const page of [host, guest]) await wire.join(page);
  await connect(host, guest);
  await expectFrames(host, guest);
  await expectStandby(host, guest);
  wire.swallowServer();
  await wire.killPaths();
  for (const page of [host, guest]) await expect.poll(() => shown(page)).toBeGreaterThan(0);
  await expectFrames(host, guest);
  await expectPhase("live", host, guest);
  expect(await host.evaluate(() => window.engine.heard())).toBeGreaterThan(0.01);
  await guest.evaluate(() => window.engine.call?.sendChat("who needs a server"));
  await expect.poll(() => chat(host)).toEqual([{ text: "who needs a server", delivered: true }]);
  await wire.close();
});

test("a restart finds no path that the browser likes: a second connection takes over, with everything", async ({
  party,
}) => {
  const [host, guest, wire] = [await party(), await party(), new Wire(100)];
  for (const page of [host, guest]) {
    await wire.join(page);
    await page.evaluate(() => {
      const { createOffer } = RTCPeerConnection.prototype;
      const offer = createOffer as (options?: RTCOfferOptions) => Promise<RTCSessionDescriptionInit>;
      RTCPeerConnection.prototype.createOffer = function (this: RTCPeerConnection, options?: RTCOfferOptions) {
        return offer.call(this, { ...options, iceRestart: false });
      } as typeof createOffer;
    });
  }
  await connect(host, guest);
  await expectFrames(host, guest);
  for (const page of [host, guest]) expect(await shown(page)).toBe(0);
  await wire.killPaths();
  for (const page of [host, guest]) await expect.poll(() => shown(page)).toBeGreaterThan(0);
  await expectFrames(host, guest);
  await expectPhase("live", host, guest);
  for (const page of [host, guest])
    expect(await page.evaluate(() => window.engine.peers[0]?.connectionState)).toBe("closed");
  await guest.evaluate(() => window.engine.call?.sendChat("there you are"));
  await expect.poll(() => chat(host)).toEqual([{ text: "there you are", delivered: true }]);
  expect(await host.evaluate(() => window.engine.heard())).toBeGreaterThan(0.01);
  await wire.killPaths(); // and again
  const before = await shown(guest);
  await expect.poll(() => shown(guest)).toBeGreaterThan(before);
  await expectFrames(host, guest);
  await wire.close();
});

test("both are muted: their silence is no reason to change the path, its death is", async ({ party }) => {
  const [host, guest, wire] = [await party(), await party(), new Wire(100)];
  for (const page of [host, guest]) await wire.join(page);
  await connect(host, guest, { camera: false });
  for (const page of [host, guest]) {
    await page.evaluate(async () => {
      await window.engine.media?.setMic(false);
      for (const sender of window.engine.peers[0]?.getSenders() ?? []) void sender.replaceTrack(null);
    });
  }
  const before = await path(host);
  await expect
    .poll(() => host.evaluate(() => window.engine.call?.liveSince && Date.now() - window.engine.call.liveSince))
    .toBeGreaterThan(5_000);
  expect(await path(host)).toBe(before);
  await wire.killPaths();
  await guest.evaluate(() => window.engine.call?.sendChat("hello?"));
  await expect.poll(() => chat(host)).toEqual([{ text: "hello?", delivered: true }]);
  expect(await path(host)).not.toBe(before);
  await wire.close();
});

test("the server is killed: the call goes on, changes its path, ends for both; and is found again", async ({
  party,
}) => {
  const server = await startServer();
  const [host, guest] = [await party(), await party()];
  for (const page of [host, guest]) await page.goto(`${server.url}/healthz`);
  await connect(host, guest);
  process.kill(server.pid, "SIGKILL");
  await expect.poll(() => host.evaluate(() => window.engine.call?.error?.code)).toBe("offline");
  for (const [one, other] of [
    [host, guest],
    [guest, host],
  ] as const) {
    const before = await path(other);
    await one.evaluate(() => window.engine.peers[0]?.restartIce());
    await expect.poll(() => path(other)).not.toBe(before);
  }
  await expectFrames(host, guest);
  const back = await startServer({ port: server.port, dataDir: server.dataDir });
  await expect.poll(() => host.evaluate(() => window.engine.call?.error)).toBe(null);
  await expectFrames(host, guest);
  for (const page of [host, guest]) expect(await phase(page)).toBe("live");
  process.kill(back.pid, "SIGKILL");
  // Who is alone before it knows that the server is gone looks for that, and is not "alone" any more.
  await expect.poll(() => host.evaluate(() => window.engine.call?.error?.code)).toBe("offline");
  await guest.evaluate(() => window.engine.call?.hangup());
  await expect.poll(() => end(guest)).toMatchObject({ reason: "hangup" });
  await expectPhase("alone", host);
});
