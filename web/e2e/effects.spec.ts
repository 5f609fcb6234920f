import type { Page } from "@playwright/test";
import { Audit, expectAccessible } from "./support/audit.ts";
import { enterAsHost, expectLive, expectPicture, knock, pixel, startCall } from "./support/call.ts";
import { expect, test } from "./support/fixtures.ts";
import { portrait } from "./support/portrait.ts";
import { portraitCamera } from "./support/portraitcamera.ts";

/** Colour at a point of this person's own picture, as the camera sees it. */
function own(page: Page, x: number, y: number): Promise<number[]> {
  return page.getByLabel("Your own picture").evaluate(
    (video: HTMLVideoElement, at) => {
      const canvas = new OffscreenCanvas(video.videoWidth || 1, video.videoHeight || 1);
      const context = canvas.getContext("2d");
      context?.drawImage(video, 0, 0);
      return [...(context?.getImageData(at.x * canvas.width, at.y * canvas.height, 1, 1).data.slice(0, 3) ?? [])];
    },
    { x, y },
  );
}

const slate = [77, 91, 106];
const near = (colour: number[], to: number[], by = 24) => colour.every((c, i) => Math.abs(c - (to[i] ?? 0)) < by);
/** In the photograph as the camera shows it: backdrop beside her head, and her cheek. */
const wall = [0.68, 0.3] as const;
const cheek = [0.42, 0.44] as const;

test("a colour stands behind the person, at both ends, and goes again without a new negotiation", async ({
  person,
  server,
}) => {
  const [host, guest] = [await person(), await person()];
  await portraitCamera(guest);
  const audit = await Audit.watch(guest, server.url);
  const link = await startCall(host);
  await enterAsHost(host);
  await guest.goto(link);
  await guest.getByText("Background and light").click();
  await guest.getByRole("radio", { name: "Slate" }).check();
  await expect.poll(async () => near(await own(guest, ...wall), slate)).toBe(true);
  // Until she is found everything is behind the colour; then her face is there, and pink.
  await expect.poll(async () => near(await own(guest, ...cheek), slate)).toBe(false);
  expect((await own(guest, ...cheek))[0]).toBeGreaterThan(150);

  await knock(guest, link);
  await host.getByRole("button", { name: "Admit" }).click();
  await Promise.all([expectLive(host), expectLive(guest)]);
  // Remembered: the page was loaded anew.
  await expect.poll(async () => near(await pixel(host, ...wall), slate)).toBe(true);
  await expect.poll(async () => (await pixel(host, ...cheek))[0]).toBeGreaterThan(150);

  await guest.getByRole("switch", { name: "Camera" }).click();
  await expect(host.getByText("Ben has switched the camera off.")).toBeVisible();
  await guest.getByRole("switch", { name: "Camera" }).click();
  await expectPicture(host);
  await expect.poll(async () => near(await pixel(host, ...wall), slate)).toBe(true);

  await guest.getByRole("button", { name: "More" }).click();
  await guest.getByRole("menuitem", { name: "Background and light" }).click();
  await expect(guest.getByRole("radio", { name: "Slate" })).toBeChecked();
  await expectAccessible(guest);
  await guest.getByRole("radio", { name: "Unchanged" }).check();
  await expect.poll(async () => near(await pixel(host, ...wall), slate, 40)).toBe(false);
  await expectPicture(host);
  audit.expectClean();
});

test("without streams of frames the picture goes by way of a canvas", async ({ person }) => {
  const host = await person();
  await portraitCamera(host);
  await host.addInitScript(() => {
    Object.assign(globalThis, { MediaStreamTrackProcessor: undefined, MediaStreamTrackGenerator: undefined });
  });
  await startCall(host);
  await host.getByText("Background and light").click();
  await host.getByRole("radio", { name: "Slate" }).focus();
  await host.keyboard.press("Space");
  await expect.poll(async () => near(await own(host, ...wall), slate)).toBe(true);
  await expect.poll(async () => (await own(host, ...cheek))[0]).toBeGreaterThan(150);
});

test("a picture of one's own stays on this device, for the next time, too", async ({ person, server }) => {
  const page = await person();
  const audit = await Audit.watch(page, server.url);
  const sent: string[] = [];
  page.on("request", (request) => request.method() !== "GET" && sent.push(request.url()));
  await startCall(page);
  await page.getByText("Background and light").click();
  const choose = page.getByLabel("Choose a picture").and(page.locator("input"));
  await choose.setInputFiles({ name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("no picture") });
  await expect(page.getByText("This file is not a picture that the browser can read.")).toBeVisible();
  await choose.setInputFiles({ name: "beach.png", mimeType: "image/png", buffer: portrait() });
  await expect(page.getByRole("radio", { name: "My picture" })).toBeChecked();
  await expect(page.getByText("This file is not a picture")).toBeHidden();
  // The fake camera shows nobody: all of it is background, and her orange sleeve is there.
  const orange = async () => {
    const [r = 0, g = 0, b = 0] = await own(page, 0.18, 0.63);
    return r > 170 && r > g + 50 && g > b;
  };
  await expect.poll(orange).toBe(true);

  await page.reload();
  await expect.poll(orange).toBe(true);
  await page.getByText("Background and light").click();
  await page.getByRole("button", { name: "Remove my picture" }).click();
  await expect(page.getByRole("radio", { name: "Unchanged" })).toBeChecked();
  await expect.poll(orange).toBe(false);
  expect(sent).toEqual([]);
  audit.expectClean();
});
