import type { Page } from "@playwright/test";
import { expect, test } from "./harness.ts";
import { chat, expectFrames, expectPhase, knock, links, start } from "./steps.ts";

/** Keeps what this page's connections are told of the other side, and of its own addresses. */
const listen = (page: Page) =>
  page.addInitScript(() => {
    const told: string[] = [];
    Object.assign(window, { told });
    const { setRemoteDescription, addIceCandidate } = RTCPeerConnection.prototype;
    RTCPeerConnection.prototype.setRemoteDescription = function (this: RTCPeerConnection, description) {
      told.push(description.sdp ?? "");
      return Reflect.apply(setRemoteDescription, this, [description]);
    } as typeof setRemoteDescription;
    RTCPeerConnection.prototype.addIceCandidate = function (this: RTCPeerConnection, candidate) {
      told.push(`a=${candidate?.candidate ?? ""}`);
      return Reflect.apply(addIceCandidate, this, [candidate]);
    } as typeof addIceCandidate;
  });
const told = (page: Page) => page.evaluate(() => (window as unknown as { told: string[] }).told.join("\n"));
const candidates = async (page: Page) => [...(await told(page)).matchAll(/candidate:.* typ (\w+)/g)].map(([, t]) => t);
const visitors = (page: Page) => page.evaluate(() => window.engine.call?.visitors.map((v) => v.slot) ?? []);
const ready = (page: Page) =>
  expect.poll(() => page.evaluate(() => window.engine.call?.rehearsed?.kbps ?? 0)).toBeGreaterThan(100);
const sent = (page: Page) =>
  page.evaluate(async () => {
    const reports = await Promise.all(window.engine.peers.map((p) => p.getStats()));
    const all = reports.flatMap((r) => [...r.values()]).filter((s) => s.type === "outbound-rtp");
    return all.reduce((n, s) => n + s.packetsSent, 0);
  });
/** Connections that carry something, by their place in the order they were made in. */
const connected = (page: Page) =>
  page.evaluate(() => window.engine.peers.flatMap((p, i) => (p.connectionState === "connected" ? [i] : [])));

test("while a guest waits the path is opened over the relay: no address, no media; admission only starts the senders", async ({
  party,
}) => {
  const [host, guest] = [await party(), await party()];
  for (const page of [host, guest]) {
    await listen(page);
    await page.reload();
  }
  const link = await links(host);
  await start(host, { link: link.host, name: "Ada" });
  await start(guest, { link: link.guest });
  await knock(guest);
  for (const page of [host, guest]) await ready(page);
  for (const page of [host, guest]) {
    expect(new Set(await candidates(page))).toEqual(new Set(["relay"]));
    expect(await told(page)).not.toMatch(/raddr (?!0\.0\.0\.0)/);
    expect(await sent(page)).toBe(0);
    expect(await page.evaluate(() => window.engine.call?.remote)).toBeNull();
  }
  const before = await connected(host);
  expect(before).toHaveLength(1);
  await host.evaluate((slot) => window.engine.call?.admit(slot), (await visitors(host))[0] ?? 0);
  await expectPhase("live", host, guest);
  await expectFrames(host, guest);
  expect(await connected(host)).toEqual(before);
  // And from there to the direct path, inside the same connection.
  for (const page of [host, guest])
    await expect.poll(() => page.evaluate(() => window.engine.call?.path?.kind)).toBe("direct");
  expect(await connected(host)).toEqual(before);
  await guest.evaluate(() => window.engine.call?.sendChat("that was quick"));
  await expect.poll(() => chat(host)).toEqual([{ text: "that was quick", delivered: true }]);
});

test("who is refused loses the path; the next at the door gets one of its own, and a guest who is not rehearsed with comes in, too", async ({
  party,
}) => {
  const [host, first, second] = [await party(), await party(), await party()];
  const link = await links(host);
  await start(host, { link: link.host, name: "Ada" });
  for (const guest of [first, second]) {
    await start(guest, { link: link.guest });
    await knock(guest);
    await expect.poll(() => visitors(host)).toHaveLength(guest === first ? 1 : 2);
  }
  await ready(first);
  expect(await second.evaluate(() => window.engine.call?.rehearsed)).toBeNull();
  await host.evaluate((slot) => window.engine.call?.refuse(slot, "not today"), (await visitors(host))[0] ?? 0);
  await expectPhase("ended", first);
  await ready(second);
  await ready(host);
  await host.evaluate((slot) => window.engine.call?.admit(slot), (await visitors(host))[0] ?? 0);
  await expectFrames(host, second);
});

test("the second at the door is let in: the first keeps nothing", async ({ party }) => {
  const [host, first, second] = [await party(), await party(), await party()];
  const link = await links(host);
  await start(host, { link: link.host, name: "Ada" });
  for (const guest of [first, second]) {
    await start(guest, { link: link.guest });
    await knock(guest);
    await expect.poll(() => visitors(host)).toHaveLength(guest === first ? 1 : 2);
  }
  await ready(first);
  await host.evaluate((slot) => window.engine.call?.admit(slot), (await visitors(host))[1] ?? 0);
  await expectFrames(host, second);
  await expect.poll(() => connected(first)).toEqual([]);
});
