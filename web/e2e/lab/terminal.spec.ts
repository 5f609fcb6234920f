import type { Page } from "@playwright/test";
import { stat } from "node:fs/promises";
import { newCallAt, type NativeParty } from "../native/cli.ts";
import { decodedFrames, enterAsHost, expectLive, expectPicture, knock, startCall } from "../support/call.ts";
import { expect, test as base } from "./fixtures.ts";
import { received } from "./stats.ts";

/** Before pion says that a path has failed (12 s after it has missed the other side). test/outage is stricter. */
const SOON_MS = 20_000;

interface Fixtures {
  /** A browser and a terminal in a call, either as the host. */
  pair: (host: "browser" | "terminal") => Promise<{ page: Page; kiosk: NativeParty; recording: string }>;
}

const test = base.extend<Fixtures>({
  pair: async ({ person, place, terminal, lab }, use, info) => {
    await use(async (host) => {
      const recording = info.outputPath("received.webm");
      const [page, at] = await Promise.all([person("browser"), place("kiosk")]);
      const record = ["--record", recording];
      if (host === "browser") {
        const link = await startCall(page);
        await enterAsHost(page);
        const kiosk = terminal(at, link, "--name", "Cleo", ...record);
        await page.getByRole("button", { name: "Admit" }).click();
        return { page, kiosk, recording };
      }
      const { url = "" } = await lab.do("server url");
      const links = await newCallAt(at, url);
      const kiosk = terminal(at, links.host, "--admit", "first", ...record);
      await knock(page, links.guest);
      return { page, kiosk, recording };
    });
  },
});

/** Picture and sound come in. They are written every few seconds: only the third time is surely of what comes now. */
async function expectRecording(file: string, often = 3): Promise<void> {
  const size = () =>
    stat(file).then(
      (s) => s.size,
      () => 0,
    );
  for (let times = 0; times < often; times++) {
    const before = await size();
    await expect.poll(size).toBeGreaterThan(before + 20_000);
  }
}

test("a browser hosts, the direct path dies: both see each other again through the server", async ({ lab, pair }) => {
  const { page, kiosk, recording } = await pair("browser");
  await expectLive(page);
  await expectPicture(page);
  await kiosk.next("live");
  await expectRecording(recording, 1);
  expect((await received(page)).path).not.toMatch(/^relay/);

  const frames = await decodedFrames(page);
  await lab.do("cut browser kiosk");
  const often = { timeout: SOON_MS, intervals: [100] };
  await expect.poll(async () => (await decodedFrames(page)) - frames, often).toBeGreaterThan(20);
  expect(await kiosk.next("live")).toMatchObject({ path: "relayed", over: expect.stringMatching(/^(udp|tcp|tls)$/) });
  await expect.poll(async () => (await received(page)).path).toMatch(/^relay/);
  await expectRecording(recording);
  kiosk.type("/leave");
  expect(await kiosk.ended()).toMatchObject({ code: 0, last: { reason: "hangup", path: "relayed" } });
});

test("a terminal hosts, the server is dead, the path fails for a while: the call goes on", async ({ lab, pair }) => {
  const { page, kiosk, recording } = await pair("terminal");
  await expectLive(page);
  await expectPicture(page);
  await lab.do("server kill");
  await lab.do("link kiosk down");
  await expect(page.getByText(/reconnecting/i).first()).toBeVisible();
  const frames = await decodedFrames(page);
  await lab.do("link kiosk up");
  await expect.poll(async () => (await decodedFrames(page)) - frames).toBeGreaterThan(60);
  await expectRecording(recording);
  kiosk.type("/leave");
  expect(await kiosk.ended()).toMatchObject({ code: 0, last: { reason: "hangup" } });
});
