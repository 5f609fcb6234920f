import type { Page } from "@playwright/test";
import { connect, enterAsHost, expectLive, expectPicture, loudness, startCall } from "./support/call.ts";
import { expect, test } from "./support/fixtures.ts";

test("a reload in the middle of a call brings either of them back, unasked", async ({ person }) => {
  const [host, guest] = [await person(), await person()];
  await connect(host, guest);
  for (const page of [guest, host]) {
    await page.reload();
    await Promise.all([expectLive(host), expectLive(guest)]);
    await Promise.all([expectPicture(host), expectPicture(guest)]);
    expect(await loudness(page)).toBeGreaterThan(0.05);
  }
  await expect(host.getByRole("heading", { name: "Call: Ben" })).toBeAttached(); // still known by name
});

async function openChat(page: Page): Promise<void> {
  if (!(await page.getByRole("log").isVisible())) await page.getByRole("button", { name: /^Chat/ }).click();
}

test("a reload keeps the chat, and a line that had not arrived arrives after, once", async ({ person }) => {
  const [host, guest] = [await person(), await person()];
  await connect(host, guest);
  for (const [writer, reader] of [
    [guest, host],
    [host, guest],
  ] as const) {
    const text = writer === guest ? "from the guest" : "from the host";
    await openChat(writer);
    await writer.evaluate(() => (RTCDataChannel.prototype.send = () => undefined)); // nothing leaves this page any more
    await writer.getByLabel("Message").fill(text);
    await writer.getByLabel("Message").press("Enter");
    await expect(writer.getByRole("log").getByText(text)).toBeVisible();
    await writer.reload();
    await Promise.all([expectLive(writer), expectLive(reader)]);
    await openChat(reader);
    await expect(reader.getByRole("log").getByText(text)).toHaveCount(1);
    await openChat(writer);
    await expect(writer.getByRole("log").getByText(text)).toHaveCount(1);
    await expect(writer.getByRole("log").getByText("delivered")).toBeVisible();
    await expect(writer.getByRole("log").getByText("from the guest")).toHaveCount(1); // whoever wrote it
  }
});

test("the same host link in a second tab asks; then the first one steps back and says so", async ({ person }) => {
  const host = await person();
  await startCall(host);
  await enterAsHost(host);
  const second = await host.context().newPage();
  await second.goto("/");
  await second.getByRole("button", { name: /^Open: / }).click();
  await expect(second.getByRole("heading", { name: "This call is open in another tab" })).toBeVisible();
  await expect(host.getByRole("heading", { name: "Nobody is here yet" })).toBeVisible(); // nothing is taken yet
  await second.getByRole("button", { name: "Continue here" }).click();
  await expect(host.getByRole("heading", { name: "The call goes on elsewhere" })).toBeFocused();
  await expect(host.getByText("The call was opened somewhere else and goes on there.")).toBeVisible();
  await enterAsHost(second);
});

test("a call that is opened in a second tab: the guest goes there, and the first one ends as soon as the guest has left it", async ({
  person,
}) => {
  const [host, guest] = [await person(), await person()];
  await host.clock.install();
  await connect(host, guest);
  const second = await host.context().newPage();
  await second.goto("/");
  await second.getByRole("button", { name: /^Open: / }).click();
  await expect(second.getByRole("heading", { name: "This call is open in another tab" })).toBeVisible();
  // Until it is resumed no time passes on the two pages of this context: what the first one does is not for waiting.
  await host.clock.pauseAt(await host.evaluate(() => Date.now() + 3_000));
  await second.getByRole("button", { name: "Continue here" }).click();
  await expect(host.getByRole("heading", { name: "The call goes on elsewhere" })).toBeVisible();
  await host.clock.resume();
  await second.getByLabel("Your name").fill("Ada");
  await second.getByRole("button", { name: "Enter the call" }).click();
  await second.getByRole("button", { name: "Admit" }).click();
  await Promise.all([expectLive(second), expectLive(guest)]);
  await expectPicture(guest);
});

test("the time of a call goes on after a reload", async ({ person }) => {
  const [host, guest] = [await person(), await person()];
  await connect(host, guest);
  const seconds = () =>
    guest.evaluate(() => {
      const [, m = "0", s = "0"] = /(\d+):(\d\d)/.exec(document.querySelector(".status")?.textContent ?? "") ?? [];
      return Number(m) * 60 + Number(s);
    });
  await expect.poll(seconds).toBeGreaterThanOrEqual(5);
  await guest.reload();
  await expectLive(guest);
  expect(await seconds()).toBeGreaterThanOrEqual(5);
});

test("the host's own guest link asks who one wants to be", async ({ person }) => {
  const host = await person();
  const link = await startCall(host);
  const second = await host.context().newPage();
  await second.goto(link);
  await expect(second.getByRole("heading", { name: "You are the host of this call" })).toBeVisible();
  await second.getByRole("button", { name: "Open as guest" }).click();
  await expect(second.getByRole("button", { name: "Ask to join" })).toBeVisible();
});

test("a time limit is counted down and ends the call for both", async ({ person }) => {
  const [host, guest] = [await person(), await person()];
  const link = await startCall(host);
  // The page offers quarters of an hour; nobody waits that long here.
  await host.evaluate(() => {
    const stored = JSON.parse(localStorage.getItem("visavis.calls") ?? "");
    stored.calls[0].limitMs = 15_000;
    localStorage.setItem("visavis.calls", JSON.stringify(stored));
  });
  await host.reload();
  await enterAsHost(host);
  await guest.goto(link);
  await guest.getByLabel("Your name").fill("Ben");
  await guest.getByRole("button", { name: "Ask to join" }).click();
  await host.getByRole("button", { name: "Admit" }).click();
  for (const page of [host, guest]) await expect(page.getByText(/^0:\d\d left$/)).toBeVisible();
  for (const page of [host, guest]) {
    await expect(page.getByRole("heading", { name: "The agreed time is over" })).toBeFocused({ timeout: 20_000 });
  }
  await expect(host.getByText("The link has stopped working.")).toBeVisible();
});
