import type { Page } from "@playwright/test";
import { expect } from "../support/fixtures.ts";

/** The built-in picture: eight bars in its upper part, from left to right (internal/mediafile). */
const bars = [
  [255, 255, 255],
  [255, 255, 0],
  [0, 255, 255],
  [0, 255, 0],
  [255, 0, 255],
  [255, 0, 0],
  [0, 0, 255],
  [0, 0, 0],
] as const;
/** What encoding and color conversion may change, of 255. */
const tolerance = 60;
/** The built-in sound, in hertz. */
const tone = 660;

function remote(page: Page) {
  return page.locator("video[aria-label^='Picture of']");
}

/** The page shows the built-in picture of a native party: eight bars of the right colors, and the block that moves below. */
export async function expectBars(page: Page): Promise<void> {
  await expect.poll(() => differences(page), { message: "bars with another color than planted" }).toEqual([]);
  const first = await brightest(page);
  await expect.poll(() => brightest(page), { message: "the white block moves" }).not.toBe(first);
}

async function differences(page: Page): Promise<string[]> {
  const points = bars.map((_, i) => ({ x: (i + 0.5) / bars.length, y: 0.35 }));
  const colors = await sample(page, points);
  return colors.flatMap((color, i) => {
    const off = color.some((value, channel) => Math.abs(value - (bars[i]?.[channel] ?? 0)) > tolerance);
    return off ? [`bar ${i}: ${color.join(",")}`] : [];
  });
}

/** Which of 20 places below the bars is brightest. */
async function brightest(page: Page): Promise<number> {
  const points = Array.from({ length: 20 }, (_, i) => ({ x: (i + 0.5) / 20, y: 312 / 360 }));
  const values = (await sample(page, points)).map((color) => color.reduce((sum, value) => sum + value, 0));
  return values.indexOf(Math.max(...values));
}

/** Colors of one decoded picture at points given as fractions of its size; empty while there is none. */
function sample(page: Page, points: readonly { x: number; y: number }[]): Promise<number[][]> {
  return remote(page).evaluate((video: HTMLVideoElement, at) => {
    if (video.videoWidth === 0) return at.map(() => [-1, -1, -1]);
    const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
    const context = canvas.getContext("2d");
    if (!context) throw new Error("no canvas");
    context.drawImage(video, 0, 0);
    return at.map(({ x, y }) => [
      ...context.getImageData(Math.floor(x * canvas.width), Math.floor(y * canvas.height), 1, 1).data.slice(0, 3),
    ]);
  }, points);
}

/** The loudest frequency that arrives is the built-in tone. */
export async function expectTone(page: Page): Promise<void> {
  // A bin is 48 000 / 16 384 = 2.9 Hz wide.
  await expect.poll(async () => Math.abs((await loudestFrequency(page)) - tone)).toBeLessThan(6);
}

/** In hertz; 0 for silence. */
function loudestFrequency(page: Page): Promise<number> {
  return remote(page).evaluate(async (video: HTMLVideoElement) => {
    if (!(video.srcObject instanceof MediaStream)) throw new Error("no stream");
    const context = new AudioContext({ sampleRate: 48_000 });
    const analyser = new AnalyserNode(context, { fftSize: 16_384, smoothingTimeConstant: 0 });
    context.createMediaStreamSource(video.srcObject).connect(analyser);
    const full = context.currentTime + (2 * analyser.fftSize) / context.sampleRate;
    while (context.currentTime < full) await new Promise(requestAnimationFrame);
    const levels = new Float32Array(analyser.frequencyBinCount); // dB
    analyser.getFloatFrequencyData(levels);
    const loudest = Math.max(...levels);
    await context.close();
    return loudest < -60 ? 0 : (levels.indexOf(loudest) * 48_000) / analyser.fftSize;
  });
}

/** The verification words on the page, as the protocol's names, and the digits. */
export async function readWords(page: Page): Promise<{ words: string[]; digits: string }> {
  await page.getByRole("button", { name: "Verification words" }).click();
  const items = page.getByRole("list", { name: "The five words" }).getByRole("listitem");
  await expect(items).toHaveCount(5);
  const words = await items.locator("span:not([aria-hidden])").allInnerTexts();
  const digits = await page.locator(".digits .ltr").innerText();
  return { words, digits: digits.replaceAll(/\D/g, "") };
}
