import type { Page } from "@playwright/test";
import { expect, test } from "./harness.ts";
import { connect, end, expectPhase } from "./steps.ts";

/** Packets, bytes and loudness of the sound that leaves this page. */
const sent = (page: Page) =>
  page.evaluate(async () => {
    const all = [...((await window.engine.live?.getStats())?.values() ?? [])];
    const out = all.find((s) => s.type === "outbound-rtp" && s.kind === "audio");
    const source = all.find((s) => s.type === "media-source" && s.kind === "audio");
    return { packets: Number(out?.packetsSent ?? 0), level: Number(source?.audioLevel ?? 0) };
  });

/** What the own microphone hears within three seconds, 0…1; a beep is shorter than the pause between two polls of a test. */
const loudest = (page: Page) =>
  page.evaluate(async () => {
    let level = 0;
    for (const end = performance.now() + 3_000; performance.now() < end;) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      level = Math.max(level, window.engine.media?.level ?? 0);
    }
    return level;
  });

test("muted, not one packet of sound leaves, though the microphone goes on beeping", async ({ party }) => {
  const [host, guest] = [await party(), await party()];
  await connect(host, guest, { camera: false });
  // A track is handed out once it is proven, a moment after the call is live.
  await expect.poll(() => host.evaluate(() => window.engine.call?.remote?.stream.getAudioTracks().length)).toBe(1);
  await expect.poll(() => host.evaluate(() => window.engine.heard())).toBeGreaterThan(0.02);
  await guest.evaluate(() => window.engine.media?.setMic(false));
  await expect.poll(() => host.evaluate(() => window.engine.call?.remote?.mic)).toBe(false);
  // What was in the encoder and in the worker at that moment still leaves.
  let before = await sent(guest);
  await expect
    .poll(async () => {
      const last = before.packets;
      await guest.evaluate(() => new Promise((resolve) => setTimeout(resolve, 200))); // ten packets' time
      before = await sent(guest);
      return before.packets - last;
    })
    .toBe(0);
  // The microphone is open and hears its beeps all the while.
  expect(await loudest(guest)).toBeGreaterThan(0.3);
  await expect.poll(() => host.evaluate(() => window.engine.heard())).toBeLessThan(0.001);
  expect(await sent(guest)).toEqual({ packets: before.packets, level: 0 });
  expect(await guest.evaluate(() => window.engine.media?.micOpen)).toBe(true);

  await guest.evaluate(() => window.engine.media?.setMic(true));
  await expect.poll(() => host.evaluate(() => window.engine.heard())).toBeGreaterThan(0.02);
  expect((await sent(guest)).packets).toBeGreaterThan(before.packets);
});

/** The guest hangs up, then the host; the receipts that both keep. */
async function receipts(host: Page, guest: Page) {
  await guest.evaluate(() => window.engine.call?.hangup());
  await expectPhase("alone", host);
  await host.evaluate(() => window.engine.call?.hangup());
  await expectPhase("ended", host, guest);
  return { host: (await end(host))?.receipt, guest: (await end(guest))?.receipt };
}

test("a processor that cannot keep up: both receipts name it and its side", async ({ party }) => {
  const [host, guest] = [await party(), await party()];
  await connect(host, guest, { camera: false });
  await guest.evaluate(() => {
    const until = performance.now() + 9_000;
    // Long tasks, one after the other, as a busy page or a slow phone has them.
    const burn = () => {
      for (const end = performance.now() + 1_200; performance.now() < end;);
      if (performance.now() < until) setTimeout(burn, 10);
    };
    burn();
  });
  await expect.poll(() => host.evaluate(() => window.engine.call?.weak?.cause), { timeout: 20_000 }).toBe("cpu");
  expect(await host.evaluate(() => window.engine.call?.weak?.side)).toBe("theirs");
  const both = await receipts(host, guest);
  expect(both.host).toMatchObject({ reported: true, worst: { minute: 1, side: "theirs", cause: "cpu" } });
  expect(both.guest).toMatchObject({ reported: true, worst: { minute: 1, side: "mine", cause: "cpu" } });
  expect(both.host?.paths).toMatchObject([{ kind: "direct", relay: "" }]);
});
