import { expect, test } from "./harness.ts";
import { chat, connect, expectFrames, expectPhase, start } from "./steps.ts";

test("a guest who reloads gets the seat back without a knock", async ({ party }) => {
  const [host, guest] = [await party(), await party()];
  const link = await connect(host, guest);
  await guest.reload();
  await start(guest, { link: link.guest });
  expect(await guest.evaluate(() => window.engine.call?.resuming)).toBe(true);
  await expectPhase("live", host, guest);
  await expectFrames(host, guest);
  expect(await guest.evaluate(() => window.engine.phases.includes("knocking"))).toBe(false);
  expect(await guest.evaluate(() => window.engine.call?.hostName)).toBe("Ada");
});

test("a host who reloads gets the call back", async ({ party }) => {
  const [host, guest] = [await party(), await party()];
  const link = await connect(host, guest);
  await host.reload();
  await start(host, { link: link.host, name: "Ada" });
  await expectPhase("live", host, guest);
  await expectFrames(host, guest);
  expect(await host.evaluate(() => window.engine.call?.remote?.name)).toBe("Ben");
});

test("media goes on while the way to the server is lost, and the keys are renewed when it is back", async ({
  party,
}) => {
  const [host, guest] = [await party(), await party()];
  await connect(host, guest);
  const before = await guest.evaluate(() => window.engine.call?.words?.digits);
  await guest.evaluate(() => window.engine.cut());
  await expect.poll(() => guest.evaluate(() => window.engine.call?.words?.digits)).not.toBe(before);
  await host.evaluate(() => window.engine.cut());
  await expect.poll(() => host.evaluate(() => window.engine.sockets.length)).toBe(2);
  await expectFrames(host, guest);
  await guest.evaluate(() => window.engine.call?.sendChat("still here"));
  await expect.poll(() => chat(host)).toEqual([{ text: "still here", delivered: true }]);
  for (const page of [host, guest]) {
    expect(await page.evaluate(() => window.engine.phases)).not.toContain("reconnecting");
    expect(await page.evaluate(() => window.engine.peers[0]?.connectionState)).toBe("connected");
  }
});
