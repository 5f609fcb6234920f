import type { Page } from "@playwright/test";
import { enterAsHost, expectLive, expectPicture, knock } from "../support/call.ts";
import { expect, test } from "./fixtures.ts";
import { received } from "./stats.ts";

/**
 * What a person would call a freeze, where two browsers share two processors: a second without a new picture, if the
 * machine is not so slow by itself. That nothing is missing says more, and does not depend on that.
 */
const FREEZE_MS = 1000;

/** From now on the page notes when a picture of the other person is shown. */
function watchPicture(page: Page): Promise<void> {
  return page.locator("video[aria-label^='Picture of']").evaluate((video: HTMLVideoElement) => {
    const shown: number[] = ((window as unknown as { shown: number[] }).shown = []);
    const next = () =>
      video.requestVideoFrameCallback((at) => {
        shown.push(at);
        next();
      });
    next();
  });
}

/** How many were shown since the last question, and the longest time between two of them. */
function pictures(page: Page): Promise<{ count: number; pause: number }> {
  return page.evaluate(() => {
    const { shown } = window as unknown as { shown: number[] };
    const times = shown.splice(0, shown.length - 1); // the last one begins the next interval
    times.push(...shown);
    const pauses = times.map((at, i) => at - (times[i - 1] ?? at));
    return { count: times.length - 1, pause: Math.max(...pauses) };
  });
}

/** What each side has missed: packets, and how often it asked for some again, or for a whole picture. */
function missed(page: Page): Promise<Record<string, number>> {
  return page.evaluate(async () => {
    const { connections } = window as unknown as { connections: RTCPeerConnection[] };
    const sum: Record<string, number> = { packetsLost: 0, nackCount: 0, pliCount: 0 };
    for (const connection of connections.filter((c) => c.connectionState === "connected")) {
      const all = [...(await connection.getStats()).values()] as Record<string, unknown>[];
      for (const s of all.filter(({ type }) => type === "inbound-rtp"))
        for (const name of Object.keys(sum)) sum[name] = (sum[name] ?? 0) + Number(s[name] ?? 0);
    }
    return sum;
  });
}

test.describe("a server with a network card", () => {
  test.use({ serverLink: "ethernet family=4" });

  test("a relayed call keeps its picture while the kernel takes it over, and gives it back", async ({
    lab,
    person,
  }) => {
    // Two browsers draw and code without a graphics card here: a small picture leaves them a processor.
    const [host, guest] = [await person("host", { fps: 12 }), await person("guest", { fps: 12 })];
    const both = [host, guest];
    for (const page of both) await page.setViewportSize({ width: 480, height: 320 });
    await host.goto("/new");
    await host.getByRole("switch", { name: "Hide internet addresses" }).click(); // both: the relay and nothing else
    await host.getByRole("button", { name: "Create the link" }).click();
    const link = await host.getByLabel("Link for your guest").inputValue();
    await host.getByRole("button", { name: "Open the lobby" }).click();
    await enterAsHost(host);
    await knock(guest, link);
    await host.getByRole("button", { name: "Admit" }).click();
    for (const page of both) {
      await expectLive(page);
      await expectPicture(page);
      expect(await received(page)).toMatchObject({ path: expect.stringMatching(/^relay/), into: "udp" });
    }

    const metric = async (name: string) =>
      Number((await lab.do(`server metric visavis_relay_${name}_packets_total`))["value"]);
    for (const page of both) await watchPicture(page);
    const before = await Promise.all(both.map(missed));
    const figures: string[] = [];
    /** Pictures come on both sides, until both have shown so many more; the longest time between two. */
    const goesOn = async (when: string) => {
      const count = [0, 0];
      let pause = 0;
      const look = async () => {
        for (const [i, page] of both.entries()) {
          const seen = await pictures(page);
          count[i] = (count[i] ?? 0) + seen.count;
          pause = Math.max(pause, seen.pause);
        }
        return Math.min(...count);
      };
      await expect.poll(look).toBeGreaterThan(40);
      figures.push(`${when} ${Math.round(pause)}`);
      return pause;
    };

    const usual = await goesOn("before");
    const expectPictures = async (when: string) =>
      expect(await goesOn(when), `${figures.join(", ")} ms between two at most`).toBeLessThan(
        Math.max(FREEZE_MS, 2 * usual),
      );
    expect(await metric("offloaded")).toBe(0);
    expect(await lab.do("server offload auto")).toEqual({ kernel: "forwards" });
    await expectPictures("the kernel takes over");
    const taken = await metric("offloaded");
    const passed = await metric("fast");
    await expectPictures("in the kernel");
    expect((await metric("offloaded")) - taken).toBeGreaterThan(100);
    // All but what asks to be handed over anew, because an interface or a way out was touched.
    expect((await metric("fast")) - passed).toBeLessThan(50);

    expect(await lab.do("server offload off")).toEqual({ kernel: "rests" });
    const kernel = await metric("offloaded");
    await expectPictures("the server takes over");
    await expectPictures("in the server");
    expect(await metric("offloaded")).toBe(kernel);

    expect(await Promise.all(both.map(missed))).toEqual(before);
    for (const page of both) expect((await received(page)).path).toMatch(/^relay/);
  });
});
