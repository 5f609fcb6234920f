import type { Page } from "@playwright/test";
import { expect } from "./harness.ts";
import type { Start } from "./page.ts";

export const start = (page: Page, options: Start) => page.evaluate((o) => window.engine.start(o), options);
export const phase = (page: Page) => page.evaluate(() => window.engine.call?.phase);
export const end = (page: Page) => page.evaluate(() => window.engine.call?.end);
export const chat = (page: Page) =>
  page.evaluate(() => window.engine.call?.chat.map(({ text, delivered }) => ({ text, delivered })));
export const words = (page: Page) => page.evaluate(() => window.engine.call?.words);
export const knock = (page: Page, name = "Ben") => page.evaluate((n) => window.engine.call?.knock(n, "hello"), name);
export const links = (page: Page, flags = 0) => page.evaluate((f) => window.engine.links(f), flags);

const frames = (page: Page) => page.evaluate(() => window.engine.frames);

/** Connects a host without waiting room and a guest; returns the links. */
export async function connect(
  host: Page,
  guest: Page,
  options: Partial<Start> = {},
): Promise<{ host: string; guest: string }> {
  const link = await links(host);
  await start(host, { ...options, link: link.host, name: "Ada", waitingRoom: false });
  await start(guest, { ...options, link: link.guest });
  await knock(guest);
  await expectPhase("live", host, guest);
  return link;
}

export async function expectPhase(want: string, ...pages: Page[]): Promise<void> {
  for (const page of pages) await expect.poll(() => phase(page)).toBe(want);
}

/** Waits until ten more frames of the other party have been decoded and painted. */
export async function expectFrames(...pages: Page[]): Promise<void> {
  for (const page of pages) {
    const before = await frames(page);
    await expect.poll(async () => (await frames(page)) - before).toBeGreaterThan(10);
  }
}
