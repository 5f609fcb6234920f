import type { Page } from "@playwright/test";
import { connect, enterAsHost, expectLive, expectPicture, lines, startCall } from "./support/call.ts";
import { expect, test } from "./support/fixtures.ts";

/** Lets {@link sent} look into the page's connections. */
async function observe(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const all: RTCPeerConnection[] = [];
    Object.assign(globalThis, { connections: all });
    globalThis.RTCPeerConnection = class extends RTCPeerConnection {
      constructor(configuration?: RTCConfiguration) {
        super(configuration);
        all.push(this);
      }
    };
  });
}

/** Bytes of pictures and packets of sound that have left over the connection that lives; not the empty packets that measure its path. */
function sent(page: Page): Promise<{ video: number; audio: number }> {
  return page.evaluate(async () => {
    const { connections } = globalThis as unknown as { connections: RTCPeerConnection[] };
    const total = { video: 0, audio: 0 };
    const live = connections.find((c) => c.connectionState === "connected");
    if (!live) throw new Error("not connected");
    for (const [, e] of (await live.getStats()) as unknown as Iterable<[string, Record<string, unknown>]>) {
      if (e["type"] !== "outbound-rtp") continue;
      if (e["kind"] === "video") total.video += Number(e["bytesSent"]);
      else total.audio += Number(e["packetsSent"]);
    }
    return total;
  });
}

/** Pictures that leave while the sound of one second does. */
async function picturesInASecond(page: Page): Promise<number> {
  const before = await sent(page);
  await expect.poll(async () => (await sent(page)).audio - before.audio).toBeGreaterThan(50);
  return (await sent(page)).video - before.video;
}

test("audio only: not one byte of pictures, both people are told, and the choice is kept", async ({ person }) => {
  const [ada, ben] = [await person(), await person()];
  await Promise.all([observe(ada), observe(ben)]);
  await connect(ada, ben);
  await Promise.all([expectPicture(ada), expectPicture(ben)]);

  await ben.keyboard.press("d");
  const audioOnly = ben.getByRole("switch", { name: "Audio only" });
  await audioOnly.press("Space");
  await expect(audioOnly).toHaveAttribute("aria-checked", "true");
  await expect(ben.getByRole("switch", { name: "Camera" })).toHaveAttribute("aria-checked", "false");
  await expect(ada.getByRole("status").getByText("Ben has chosen audio only")).toBeVisible();
  await expect(ada.getByText("Ben receives no video: your picture is not sent")).toBeVisible();
  await expect(ben.getByRole("status").getByText("Audio only is on: you receive no video")).toBeVisible();
  expect(await picturesInASecond(ada)).toBe(0);
  expect(await picturesInASecond(ben)).toBe(0);

  await ben.reload();
  await expectLive(ben);
  await expect(ada.getByText("Ben receives no video: your picture is not sent")).toBeVisible();
  expect(await picturesInASecond(ada)).toBe(0);
  await ben.keyboard.press("d");
  await expect(audioOnly).toHaveAttribute("aria-checked", "true");

  await audioOnly.press("Space");
  await expect(ada.getByText("your picture is not sent")).toBeHidden();
  await expectPicture(ben);
});

test("data saver is chosen in the lobby and makes both pictures small", async ({ person }) => {
  const [ada, ben] = [await person(), await person()];
  const link = await startCall(ada);
  await enterAsHost(ada);
  await ben.goto(link);
  const saver = ben.getByRole("switch", { name: "Data saver" });
  await saver.click();
  await ben.reload();
  await expect(saver).toHaveAttribute("aria-checked", "true");
  await ben.getByLabel("Your name").fill("Ben");
  await ben.getByRole("button", { name: "Ask to join" }).click();
  await ada.getByRole("button", { name: "Admit" }).click();
  for (const page of [ada, ben]) {
    await expect.poll(() => lines(page), { message: "past the first picture" }).toBeGreaterThan(180);
    expect(await lines(page)).toBeLessThanOrEqual(360);
  }
  await Promise.all([expectPicture(ada), expectPicture(ben)]);
});
