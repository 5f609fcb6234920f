import type { Page } from "@playwright/test";
import { connect, decodedFrames, expectPicture } from "./support/call.ts";
import { expect, test } from "./support/fixtures.ts";
import { hear, likeness, paper } from "./support/screen.ts";

// Chromium's own picker is answered by a tab's title. Its fake one would show a test picture instead, so it goes: the
// permissions of the profile let camera and microphone through.
test.use({
  launchOptions: {
    executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
    ignoreDefaultArgs: ["--mute-audio"], // what is muted cannot be captured either
    args: [
      "--no-sandbox",
      "--use-fake-device-for-media-stream",
      "--auto-select-tab-capture-source-by-title=Paper to share",
      "--autoplay-policy=no-user-gesture-required", // for the tone of the paper
    ],
  },
});

const screen = (page: Page) => page.locator("video[aria-label^='Screen of']");

async function share(page: Page, kind: string): Promise<void> {
  await page.getByRole("button", { name: "Share screen" }).click();
  await page.getByRole("radio", { name: kind }).check();
  await page.getByRole("button", { name: "Choose what to show" }).click();
}

test("a shared tab arrives letter by letter, with its sound; both may share; stopping is seen", async ({ person }) => {
  const [host, guest] = [await person(), await person()];
  const shown = await host.context().newPage();
  await paper(shown, "Paper to share");
  await connect(host, guest);
  await expectPicture(guest);

  await share(host, "Text and slides");
  await expect(host.getByText("You are sharing a tab")).toBeVisible();
  await expect(guest.getByText("Ada is sharing a screen.")).toBeVisible();
  await expect(screen(guest)).toBeVisible();
  // 12-px letters, pixel by pixel: the size is kept, and what is left of the difference is the codec's.
  await expect.poll(() => likeness(screen(guest), shown), { timeout: 30_000 }).toBeGreaterThan(0.97);
  await expect.poll(() => hear(screen(guest))).toBe(880);
  await expectPicture(guest); // the face goes on, in the corner

  await share(guest, "Film and motion");
  await expect(screen(host)).toBeVisible();
  for (const page of [host, guest])
    await expect.poll(() => screen(page).evaluate((v: HTMLVideoElement) => v.videoWidth)).toBeGreaterThan(0);

  await host.getByRole("button", { name: "Stop sharing" }).first().click();
  await expect(screen(guest)).toBeHidden();
  await expect(host.getByText("You are sharing a tab")).toBeHidden();
  await expect(screen(host)).toBeVisible(); // theirs goes on
  const before = await decodedFrames(guest);
  await expect.poll(() => decodedFrames(guest)).toBeGreaterThan(before);

  await share(host, "Text and slides"); // once more, over the same lines
  await expect(screen(guest)).toBeVisible();
  await shown.close(); // what was shown is gone
  await expect(screen(guest)).toBeHidden();
  await expect(host.getByText("You no longer share your screen.")).toBeVisible();
});
