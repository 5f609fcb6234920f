import type { Page } from "@playwright/test";
import { Audit, expectAccessible } from "./support/audit.ts";
import { connect, enterAsHost, expectLive, loudness, startCall } from "./support/call.ts";
import { expect, test } from "./support/fixtures.ts";

/** The small window of a page, which opens on `act`. */
async function small(page: Page, act: () => Promise<void>): Promise<Page> {
  const opened = page.context().waitForEvent("page");
  await act();
  const window = await opened;
  await window.setViewportSize({ width: 384, height: 280 }); // a browser without a screen gives it the size of a tab
  return window;
}

/** Closes the window from within: what answers the act may be lost with the window, that it goes may not. */
async function closing(window: Page, act: () => Promise<void>): Promise<void> {
  const closed = window.waitForEvent("close");
  await act().catch(() => closed);
  await closed;
}

/** The picture in the window moves. */
async function expectMoving(window: Page): Promise<void> {
  const frames = () =>
    window
      .getByLabel("Picture of")
      .evaluate((video: HTMLVideoElement) => video.getVideoPlaybackQuality().totalVideoFrames);
  const before = await frames();
  await expect.poll(async () => (await frames()) - before).toBeGreaterThan(10);
}

/** The page goes behind another one, and comes back. */
async function hide(page: Page, hidden: boolean): Promise<void> {
  await page.evaluate((to) => {
    Object.defineProperty(document, "visibilityState", { configurable: true, get: () => (to ? "hidden" : "visible") });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);
}

/** Keeps what the page wants to do when the browser would like a small window of it. */
async function withSystemButtons(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const actions = new Map<string, (() => void) | null>();
    navigator.mediaSession.setActionHandler = (name, handler) => void actions.set(name, handler as (() => void) | null);
    Object.assign(window, { actions });
  });
}

/** What a browser does when its person turns to another tab. Opening needs no click then; here one is pretended. */
async function wish(page: Page): Promise<void> {
  const session = await page.context().newCDPSession(page);
  await session.send("Runtime.evaluate", { expression: "actions.get('enterpictureinpicture')()", userGesture: true });
  await session.detach();
}

test("the other person in a small window, with the controls; by keyboard there and back", async ({
  person,
  server,
}) => {
  const [host, guest] = [await person(), await person()];
  const audit = await Audit.watch(host, server.url);
  await connect(host, guest);
  const button = host.getByRole("button", { name: "Small window" });
  await button.focus();
  const window = await small(host, () => button.press("Enter"));
  const blocked: string[] = [];
  window.on("console", (message) => blocked.push(message.text()));
  await expect(window).toHaveTitle("Ben · visavis");
  await expectMoving(window);
  await expect(window.getByRole("main")).toHaveCSS("background-color", "rgb(14, 17, 22)"); // it has our rules
  await expect(button).toHaveAttribute("aria-pressed", "true");
  await expectAccessible(window);

  const mic = window.getByRole("switch", { name: "Microphone" });
  await expect(mic).toBeFocused();
  await expect(mic).toBeChecked();
  await mic.press("Space");
  await expect(mic).not.toBeChecked();
  await expect(guest.getByText("Ada is muted", { exact: true })).toBeVisible();
  await expect(window.getByText("Muted: microphone open, nothing is sent")).toBeVisible();
  await expect(host.getByRole("switch", { name: "Microphone", exact: true })).not.toBeChecked();
  await window.keyboard.press("m");
  await expect(window.getByRole("status")).toHaveText("Microphone on");
  await window.keyboard.press("v");
  await expect(guest.getByText("Ada has the camera off").first()).toBeVisible();
  await guest.keyboard.press("v");
  await expect(window.getByText("Ben has the camera off")).toBeAttached();
  await expect(window.getByText("B", { exact: true })).toBeVisible();
  await expectAccessible(window);

  await closing(window, () => window.keyboard.press("p"));
  await expect(button).toBeFocused();
  await expect(button).toHaveAttribute("aria-pressed", "false");
  const again = await small(host, () => host.keyboard.press("p"));
  await closing(again, () => again.getByRole("button", { name: "Leave" }).click());
  await expect(host.getByRole("heading", { name: "You have left the call" })).toBeFocused();
  expect(blocked).toEqual([]);
  audit.expectClean();
});

test("the window speaks the language of the page, turns with it, and goes with the call", async ({ person }) => {
  const [host, guest] = [await person(), await person({ locale: "ar", colorScheme: "light" })];
  await guest.addInitScript(() =>
    localStorage.setItem("visavis.preferences", JSON.stringify({ v: 1, appearance: "system" })),
  );
  const link = await startCall(host);
  await enterAsHost(host);
  await guest.goto(link);
  await guest.getByRole("textbox").first().fill("Ben");
  await guest.locator("button[type=submit]").click();
  await host.getByRole("button", { name: "Admit" }).click();
  await expectLive(host);
  const window = await small(guest, () => guest.getByRole("button", { name: "نافذة صغيرة" }).click());
  const root = window.locator("html");
  await expect(root).toHaveAttribute("dir", "rtl");
  await expect(root).toHaveAttribute("lang", "ar");
  await expect(root).toHaveAttribute("data-theme", "light");
  await expect(window.getByRole("button", { name: "العودة إلى صفحة المكالمة" })).toBeVisible();
  await expectAccessible(window);
  await guest.emulateMedia({ colorScheme: "dark" });
  await expect(root).toHaveAttribute("data-theme", "dark");
  await host.getByRole("button", { name: "Leave" }).click();
  await expect.poll(() => window.isClosed()).toBe(true);
});

test("out of sight the window opens by itself, the other side is not told of any background, and back it closes", async ({
  person,
}) => {
  const [host, guest] = [await person(), await person()];
  await withSystemButtons(host);
  await connect(host, guest);
  const background = guest.getByText("Ada has the call in the background");
  await hide(host, true);
  await expect(background).toBeVisible();
  const window = await small(host, () => wish(host));
  await expectMoving(window);
  await expect(background).toBeHidden();
  await expect.poll(() => loudness(host)).toBeGreaterThan(0.05); // the page goes on playing
  await hide(host, false);
  await expect.poll(() => window.isClosed()).toBe(true);
  await expect(background).toBeHidden();
  await expectLive(host);
});

test("a browser that knows no such window shows the picture alone; one that has neither has no button", async ({
  person,
}) => {
  const [host, guest] = [await person(), await person()];
  await host.addInitScript(() => Reflect.deleteProperty(window, "documentPictureInPicture"));
  await guest.addInitScript(() => {
    Reflect.deleteProperty(window, "documentPictureInPicture");
    Object.defineProperty(document, "pictureInPictureEnabled", { get: () => false });
  });
  await connect(host, guest);
  const alone = () => host.evaluate(() => document.pictureInPictureElement?.getAttribute("aria-label") ?? "");
  const button = host.getByRole("button", { name: "Small window" });
  await button.click();
  await expect.poll(alone).toBe("Picture of Ben");
  await expect(button).toHaveAttribute("aria-pressed", "true");
  await button.click();
  await expect.poll(alone).toBe("");
  await expect(button).toHaveAttribute("aria-pressed", "false");
  await button.click();
  await expect.poll(alone).toBe("Picture of Ben");

  await expect(guest.getByRole("button", { name: "Leave" })).toBeVisible();
  await expect(guest.getByRole("button", { name: "Small window" })).toHaveCount(0);
  await guest.getByRole("button", { name: "More" }).click();
  await expect(guest.getByRole("menuitem", { name: "Keyboard shortcuts" })).toBeVisible();
  await expect(guest.getByRole("menuitem", { name: "Small window" })).toHaveCount(0);
  await guest.getByRole("menuitem", { name: "Keyboard shortcuts" }).click();
  await expect(guest.getByRole("dialog").getByText("Share your screen, or stop")).toBeVisible();
  await expect(guest.getByRole("dialog").getByText("Small window")).toHaveCount(0);
  await guest.keyboard.press("Escape");
  await guest.getByRole("button", { name: "Leave" }).click();
  await expect.poll(alone).toBe("");
});
