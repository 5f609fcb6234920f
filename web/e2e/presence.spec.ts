import type { Locator, Page } from "@playwright/test";
import { Audit, expectAccessible } from "./support/audit.ts";
import { connect, enterAsHost, expectLive, knock, startCall } from "./support/call.ts";
import { expect, test } from "./support/fixtures.ts";
import { portraitCamera, setLight } from "./support/portraitcamera.ts";

const remote = (page: Page) => page.locator("video[aria-label^='Picture of']");

async function box(part: Locator) {
  const { x, y, width, height } = (await part.boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
  return { left: x, top: y, right: x + width, bottom: y + height, middle: x + width / 2 };
}

async function expectApart(a: Locator, b: Locator): Promise<void> {
  const [one, two] = [await box(a), await box(b)];
  const apart = one.right <= two.left || two.right <= one.left || one.bottom <= two.top || two.bottom <= one.top;
  expect(apart, JSON.stringify([one, two])).toBe(true);
}

test("talking points stand under the lens, the other person below them, and go on as one speaks", async ({
  person,
}) => {
  const [host, guest] = [await person(), await person()];
  const link = await startCall(host);
  await host.getByText("Talking points").click();
  await host.getByLabel("Your points").fill("Fence\n\nPrice"); // written while one waits
  await enterAsHost(host);
  await knock(guest, link);
  await host.getByRole("button", { name: "Admit" }).click();
  await Promise.all([expectLive(host), expectLive(guest)]);
  await host.keyboard.press("t");
  await expect(host.getByRole("heading", { name: "Talking points" })).toBeFocused();
  await host.getByLabel("Your points").press("ControlOrMeta+End");
  await host.keyboard.type("\nGate\nKeys");
  await expectAccessible(host);
  await host.keyboard.press("Escape");

  // The pretended microphone beeps, which is as good as speaking.
  const points = host.getByRole("region", { name: "Talking points" });
  await expect(points).toContainText(/Fence|Price|Gate|Keys/);
  await expect(points).toContainText("4 of 4", { timeout: 30_000 });
  await host.keyboard.press("m");
  await host.keyboard.press("k");
  await host.getByRole("button", { name: "Point before" }).click();
  await expect(points).toContainText("2 of 4");
  await expect(guest.getByText("Price")).toHaveCount(0);

  await host.keyboard.press("e");
  await host.getByRole("switch", { name: "Ben next to the lens" }).click();
  await host.keyboard.press("Escape");
  const self = host.getByRole("button", {
    name: "Your picture. Press to move it to the next place, or use the arrow keys, or drag it.",
  });
  const { middle, top } = await box(points);
  expect(top).toBeLessThan(20);
  expect(Math.abs(middle - 640)).toBeLessThan(2);
  expect((await box(remote(host))).top - (await box(points)).bottom).toBeLessThan(20);
  await expectApart(remote(host), self);
  await expectApart(points, self);

  await host.keyboard.press("e");
  await host.getByLabel("Your camera is").selectOption("left of the screen");
  await expectAccessible(host);
  expect((await box(remote(host))).left).toBeLessThan(20);

  await host.setViewportSize({ width: 390, height: 844 });
  await expect.poll(async () => (await box(points)).top, "no room beside a face").toBeLessThan(20);
  await host.getByLabel("Your camera is").selectOption("above the screen");
  await host.keyboard.press("Escape");
  await expectApart(points, host.getByRole("button", { name: /^Direct|^Relayed/ }));
  await expectApart(remote(host), self);
  expect(await host.evaluate(() => document.documentElement.scrollWidth)).toBe(390);

  await host.reload();
  await expect(points).toContainText("1 of 4"); // in this tab they stay
});

test("how often one looks to the lens is measured here, for who asks; light gets one quiet hint", async ({
  person,
  server,
}) => {
  const [host, guest] = [await person(), await person()];
  await portraitCamera(guest);
  const audit = await Audit.watch(guest, server.url);
  const asked: string[] = [];
  guest.on("request", (request) => asked.push(request.url()));
  await connect(host, guest);
  await setLight(guest, 0.15);
  await expect(guest.getByText("It is too dark.")).toBeVisible({ timeout: 40_000 });
  await setLight(guest, 1);
  expect(asked.filter((url) => url.includes("vision"))).toEqual([]);

  await guest.getByRole("button", { name: "More" }).click();
  await guest.getByRole("menuitem", { name: "Eye contact and hints" }).click();
  await guest.getByRole("switch", { name: "Show me how often" }).click();
  await guest.getByRole("button", { name: "I am looking into the lens" }).click();
  await expect(guest.getByText("Done. This is what counts")).toBeVisible();
  await expect(guest.getByText("Towards the camera in the last minute: 100%")).toBeVisible({ timeout: 30_000 });
  await expectAccessible(guest);

  await setLight(guest, 0);
  await guest.getByRole("button", { name: "Set the lens again" }).click();
  await expect(guest.getByText("No face was found.")).toBeVisible();
  audit.expectClean();
});
