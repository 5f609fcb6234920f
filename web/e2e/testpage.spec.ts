import { readFile } from "node:fs/promises";
import type { Page } from "@playwright/test";
import { Audit, expectAccessible } from "./support/audit.ts";
import { knock, startCall } from "./support/call.ts";
import { expect, test } from "./support/fixtures.ts";

/** The check has said what it found; what that is depends on how busy this machine is. */
async function checked(page: Page): Promise<void> {
  await expect(page.getByRole("button", { name: "Check again" })).toBeVisible({ timeout: 60_000 });
}

test("the test page measures each way to the server, and reports without saying whose device it is", async ({
  person,
  server,
}) => {
  const page = await person();
  const audit = await Audit.watch(page, server.url);
  await page.goto("/");
  await page.getByRole("link", { name: "Test camera, microphone and network" }).click();
  await expect(page.getByRole("heading", { name: "Test this device" })).toBeFocused();
  await expect(page.getByRole("switch", { name: "Camera" })).toBeChecked();
  await checked(page);

  await page.getByText("What was measured").click();
  const way = (name: string) => page.locator("dt", { hasText: name }).locator("xpath=following-sibling::dd[1]");
  await expect(way("UDP")).toHaveText(
    /^works: [\d.]+ ms there and back.*At least [\d.]+ Mbit\/s up and [\d.]+ Mbit\/s down\.$/,
  );
  await expect(way("TCP")).toHaveText(/^works: /);
  await expect(way("TLS")).toHaveText("not offered by this server"); // it has no certificate here
  await expectAccessible(page);

  await page.getByRole("button", { name: "Play a sound" }).click();
  await page.getByRole("button", { name: "Yes" }).click();

  const labels = await page.evaluate(async () =>
    (await navigator.mediaDevices.enumerateDevices()).flatMap(({ label, deviceId }) => [label, deviceId]),
  );
  const saved = page.waitForEvent("download");
  await page.getByRole("link", { name: "Save as a file" }).click();
  const report = await readFile(await (await saved).path(), "utf8");
  expect(report).toContain("camera: works");
  expect(report).toContain("speaker: ");
  expect(report).toContain("Fast way (UDP): works");
  for (const label of labels.filter((text) => text.length > 3 && text !== "default"))
    expect(report).not.toContain(label);
  expect(report).not.toMatch(/\d+\.\d+\.\d+\.\d+/);

  await page.setViewportSize({ width: 390, height: 844 });
  await page.getByRole("button", { name: "Language" }).click();
  await page.getByRole("menuitemradio", { name: "العربية" }).click();
  await expect(page.getByRole("heading", { name: "اختبر هذا الجهاز" })).toBeVisible();
  await expectAccessible(page);
  const overflow = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  expect(overflow, "px to scroll sideways on a phone").toBeLessThanOrEqual(0);
  audit.expectClean();
});

test("a check from the lobby is over when the person goes in", async ({ person }) => {
  const page = await person();
  await page.addInitScript(() => {
    const lines: RTCPeerConnection[] = [];
    Object.assign(globalThis, { lines });
    globalThis.RTCPeerConnection = class extends RTCPeerConnection {
      override createDataChannel(label: string, options?: RTCDataChannelInit): RTCDataChannel {
        if (label === "check") lines.push(this);
        return super.createDataChannel(label, options);
      }
    };
  });
  const states = () =>
    page.evaluate(() =>
      (globalThis as unknown as { lines: RTCPeerConnection[] }).lines.map((line) => line.connectionState),
    );
  await startCall(page);
  await page.getByRole("button", { name: "Check the network" }).click();
  await expect.poll(async () => (await states()).length).toBeGreaterThan(0);
  await page.getByRole("button", { name: "Enter the call" }).click();
  await expect(page.getByRole("heading", { name: "Nobody is here yet" })).toBeVisible();
  expect(new Set(await states())).toEqual(new Set(["closed"]));
});

test("a host is told that a guest tested fine, and when", async ({ person }) => {
  const [host, guest] = [await person(), await person()];
  const link = await startCall(host);
  await guest.addInitScript(() => {
    const at = Date.now() - 18.5 * 3_600_000;
    const lights = { camera: "good", network: "good" };
    localStorage.setItem("visavis.tested", JSON.stringify({ v: 1, at, lights, kind: null }));
  });
  await knock(guest, link);
  await expect(host.getByText("Tested fine 18 hours ago: camera and network.")).toBeVisible();
});
