import type { Page } from "@playwright/test";
import { expect } from "./fixtures.ts";

/** A host at the lobby of a new call, and the link for the guest. */
export async function startCall(host: Page): Promise<string> {
  await host.goto("/");
  await host.getByRole("button", { name: "Start a call" }).click();
  return host.getByLabel("Link for your guest").inputValue();
}

/** The host goes in and waits there. */
export async function enterAsHost(host: Page, name = "Ada"): Promise<void> {
  await host.getByLabel("Your name").fill(name);
  await host.getByRole("button", { name: "Enter the call" }).click();
  await expect(host.getByRole("heading", { name: "Nobody is here yet" })).toBeVisible();
}

/** Opens the link and asks to be let in. */
export async function knock(guest: Page, link: string, name = "Ben", note = ""): Promise<void> {
  await guest.goto(link);
  await guest.getByLabel("Your name").fill(name);
  if (note) await guest.getByLabel("A word to the host").fill(note);
  await guest.getByRole("button", { name: "Ask to join" }).click();
}

/** Two people who see each other. */
export async function connect(host: Page, guest: Page): Promise<void> {
  const link = await startCall(host);
  await enterAsHost(host);
  await knock(guest, link);
  await host.getByRole("button", { name: "Admit" }).click();
  await Promise.all([expectLive(host), expectLive(guest)]);
}

/** Media is bound: the page shows how it travels. */
export async function expectLive(page: Page, options?: { timeout: number }): Promise<void> {
  await expect(page.getByRole("button", { name: /^Direct|^Relayed/ })).toBeVisible(options);
}

/** Frames of the other person that were decoded since the last call. */
export function decodedFrames(page: Page): Promise<number> {
  return remote(page).evaluate((video: HTMLVideoElement) => video.getVideoPlaybackQuality().totalVideoFrames);
}

/** Of the other person's picture, as it is decoded just now. */
export function lines(page: Page): Promise<number> {
  return remote(page).evaluate((video: HTMLVideoElement) => video.videoHeight);
}

export async function expectPicture(page: Page, options?: { timeout: number }): Promise<void> {
  const before = await decodedFrames(page);
  await expect.poll(async () => (await decodedFrames(page)) - before, options).toBeGreaterThan(10);
}

/** Colour at a point of the other person's picture, given as fractions of its size. */
export function pixel(page: Page, x: number, y: number): Promise<number[]> {
  return remote(page).evaluate(
    (video: HTMLVideoElement, at) => {
      const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
      const context = canvas.getContext("2d");
      if (!context) throw new Error("no canvas");
      context.drawImage(video, 0, 0);
      const data = context.getImageData(at.x * canvas.width, at.y * canvas.height, 1, 1).data;
      return [...data.slice(0, 3)];
    },
    { x, y },
  );
}

/**
 * Loudest sample, 0…1, of what arrives from the other person within `ms`. The
 * fake microphone beeps once a second.
 */
export function loudness(page: Page, ms = 1500): Promise<number> {
  return remote(page).evaluate(async (video: HTMLVideoElement, duration) => {
    if (!(video.srcObject instanceof MediaStream)) throw new Error("no stream");
    const context = new AudioContext();
    const analyser = new AnalyserNode(context, { fftSize: 2048 });
    context.createMediaStreamSource(video.srcObject).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    let loudest = 0;
    const end = performance.now() + duration;
    while (performance.now() < end) {
      analyser.getFloatTimeDomainData(samples);
      loudest = samples.reduce((max, sample) => Math.max(max, Math.abs(sample)), loudest);
      await new Promise(requestAnimationFrame);
    }
    await context.close();
    return loudest;
  }, ms);
}

function remote(page: Page) {
  return page.locator("video[aria-label^='Picture of']");
}
