import { expect, test } from "./harness.ts";
import { chat, connect, end, expectFrames, expectPhase, knock, links, phase, start, words } from "./steps.ts";

const PASSWORD = 1; // link flag

test("two people see each other, and agree on the words", async ({ party }) => {
  const [host, guest] = [await party(), await party()];
  await connect(host, guest);
  await expectFrames(host, guest);
  const mine = await words(host);
  expect(mine?.emoji).toHaveLength(5);
  expect(await words(guest)).toEqual(mine);
  expect(await guest.evaluate(() => window.engine.call?.hostName)).toBe("Ada");
  expect(await host.evaluate(() => window.engine.call?.remote?.name)).toBe("Ben");
  const security = await host.evaluate(() => window.engine.call?.security);
  expect(security).toMatchObject({ handshake: true, bound: true, certificateChecked: true });
  await expect.poll(() => host.evaluate(() => window.engine.call?.path?.kind)).toBe("direct");
});

test("chat arrives, and its sender knows", async ({ party }) => {
  const [host, guest] = [await party(), await party()];
  await connect(host, guest);
  await host.evaluate(() => window.engine.call?.sendChat("hello"));
  await expect.poll(() => chat(guest)).toEqual([{ text: "hello", delivered: true }]);
  await expect.poll(() => chat(host)).toEqual([{ text: "hello", delivered: true }]);
});

test("a waiting room: held with a message, then admitted", async ({ party }) => {
  const [host, guest] = [await party(), await party()];
  const link = await links(host);
  await start(guest, { link: link.guest });
  await expectPhase("host-away", guest);
  await start(host, { link: link.host, name: "Ada", rehearse: false });
  await expectPhase("ready", guest);
  await knock(guest);
  await expectPhase("knocking", guest);
  await expect.poll(() => host.evaluate(() => window.engine.call?.visitors.map((v) => v.name))).toEqual(["Ben"]);
  expect(await guest.evaluate(() => window.engine.peers.map((p) => p.remoteDescription))).toEqual([null]);
  const slot = await host.evaluate(() => window.engine.call?.visitors[0]?.slot ?? 0);
  await host.evaluate((s) => window.engine.call?.hold(s, "one minute"), slot);
  await expectPhase("held", guest);
  expect(await guest.evaluate(() => window.engine.call?.holdMessage)).toBe("one minute");
  await host.evaluate((s) => window.engine.call?.admit(s), slot);
  await expectPhase("live", host, guest);
});

test("a refused guest is told why", async ({ party }) => {
  const [host, guest] = [await party(), await party()];
  const link = await links(host);
  await start(host, { link: link.host });
  await start(guest, { link: link.guest });
  await knock(guest);
  await expect.poll(() => host.evaluate(() => window.engine.call?.visitors.length)).toBe(1);
  await host.evaluate(() => window.engine.call?.refuse(window.engine.call.visitors[0]?.slot ?? 0, "not today"));
  await expectPhase("ended", guest);
  expect(await end(guest)).toMatchObject({ reason: "refused", code: "E_DENIED", message: "not today" });
  await expectPhase("alone", host);
});

test("the right password opens, a wrong one is counted", async ({ party }) => {
  const [host, guest] = [await party(), await party()];
  const link = await links(host, PASSWORD);
  await start(host, { link: link.host, password: "correct horse", waitingRoom: false });
  await start(guest, { link: link.guest });
  await expectPhase("password", guest);
  await knock(guest);
  await guest.evaluate(() => window.engine.call?.setPassword("wrong"));
  await expect.poll(() => guest.evaluate(() => window.engine.call?.attemptsLeft)).toBe(4);
  expect(await host.evaluate(() => window.engine.call?.attemptsLeft)).toBe(4);
  expect(await guest.evaluate(() => window.engine.call?.error?.code)).toBe("E_CONFIRM");
  await guest.evaluate(() => window.engine.call?.setPassword("correct horse"));
  await expectPhase("live", host, guest);
});

test("a third person is told that the call is busy", async ({ party }) => {
  const [host, guest, third] = [await party(), await party(), await party()];
  const link = await connect(host, guest);
  await start(third, { link: link.guest });
  await expectPhase("ended", third);
  expect(await end(third)).toMatchObject({ reason: "refused", code: "E_BUSY" });
  expect(await phase(guest)).toBe("live");
});

test("words that differ end the call for both", async ({ party }) => {
  const [host, guest] = [await party(), await party()];
  await connect(host, guest);
  await guest.evaluate(() => window.engine.call?.verify("differ"));
  await expectPhase("ended", host, guest);
  expect(await end(host)).toMatchObject({ reason: "differ" });
  expect(await end(guest)).toMatchObject({ reason: "differ" });
});

test("the time limit ends the call for both", async ({ party }) => {
  const [host, guest] = [await party(), await party()];
  await connect(host, guest, { limitMs: 4_000 });
  await expectPhase("ended", host, guest);
  expect((await end(host))?.reason).toBe("limit");
  expect((await end(guest))?.reason).toBe("limit");
});

test("a guest who hangs up leaves the host alone, and may come again", async ({ party }) => {
  const [host, guest] = [await party(), await party()];
  const link = await connect(host, guest);
  await guest.evaluate(() => window.engine.call?.hangup());
  expect(await end(guest)).toMatchObject({ reason: "hangup", peerName: "Ada" });
  await expectPhase("alone", host);
  await guest.reload();
  await start(guest, { link: link.guest });
  await knock(guest);
  await expectPhase("live", host, guest);
  await host.evaluate(() => window.engine.call?.hangup());
  await expectPhase("ended", guest);
  expect((await end(guest))?.reason).toBe("peer-hangup");
});

test("a removed guest knows it", async ({ party }) => {
  const [host, guest] = [await party(), await party()];
  await connect(host, guest);
  await host.evaluate(() => window.engine.call?.removeGuest());
  await expectPhase("ended", guest);
  expect((await end(guest))?.reason).toBe("removed");
  await expectPhase("alone", host);
});

test("a call that was ended for good cannot be joined", async ({ party }) => {
  const [host, guest] = [await party(), await party()];
  const link = await connect(host, guest);
  await host.evaluate(() => window.engine.call?.endForGood());
  await expectPhase("ended", host, guest);
  await guest.reload();
  await start(guest, { link: link.guest });
  await expectPhase("ended", guest);
  expect(await end(guest)).toMatchObject({ reason: "expired", code: "E_GONE" });
});

test("with the relay only, media goes through our server", async ({ party }) => {
  const [host, guest] = [await party(), await party()];
  await connect(host, guest, { relayOnly: true });
  await expectFrames(host, guest);
  await expect
    .poll(() => guest.evaluate(() => window.engine.call?.path))
    .toMatchObject({ kind: "relayed", relay: "127.0.0.1" });
});

test("a switch to the relay in the middle of a call", async ({ party }) => {
  const [host, guest] = [await party(), await party()];
  await connect(host, guest);
  await expect.poll(() => guest.evaluate(() => window.engine.call?.path?.kind)).toBe("direct");
  await guest.evaluate(() => window.engine.call?.setRelayOnly(true));
  await expect.poll(() => guest.evaluate(() => window.engine.call?.path?.kind)).toBe("relayed");
  await expectFrames(host, guest);
});
