import type { Page } from "@playwright/test";
import { Audit, expectAccessible } from "./support/audit.ts";
import { expect, test } from "./support/fixtures.ts";

const phone = { width: 390, height: 844 };

/** Makes a call on the new call page; returns its guest link. */
async function makeCall(page: Page, title: string): Promise<string> {
  await page.goto("/new");
  await page.getByLabel("Title").fill(title);
  await page.getByRole("button", { name: "Create the link" }).click();
  return page.getByLabel("Link for your guest").inputValue();
}

async function paste(page: Page, text: string): Promise<void> {
  await page.goto("/");
  await page.getByLabel("Link or code").fill(text);
  await page.getByRole("button", { name: "Open", exact: true }).click();
}

test("one button makes a call and opens its lobby, with no secret in the address", async ({ person, server }) => {
  const page = await person();
  const audit = await Audit.watch(page, server.url);
  await page.goto("/");
  await expect(page.getByText("No calls yet")).toBeVisible();
  await page.getByRole("button", { name: "Start a call" }).click();
  await page.waitForURL("**/c");
  expect(await page.evaluate(() => location.href)).toBe(`${server.url}/c`);
  await page.goto("/");
  await expect(page.getByRole("heading", { name: "Call without a title" })).toBeVisible();
  expect(await page.locator("body").innerText()).not.toMatch(/\bh[A-Za-z0-9_-]{46}\b/); // the host link stays hidden
  audit.expectClean();
});

for (const colorScheme of ["dark", "light"] as const) {
  for (const lang of ["en", "de", "fr", "es", "ar"]) {
    test(`accessible: ${lang}, ${colorScheme}`, async ({ person, server }) => {
      const page = await person({ locale: lang, viewport: phone });
      const audit = await Audit.watch(page, server.url);
      await page.addInitScript((appearance) => {
        const preferences = { v: 1, locale: null, appearance, name: "", relayOnly: false, devices: {} };
        localStorage.setItem("visavis.preferences", JSON.stringify(preferences));
      }, colorScheme);
      await page.goto("/");
      const html = page.locator("html");
      await expect(html).toHaveAttribute("lang", lang);
      await expect(html).toHaveAttribute("dir", lang === "ar" ? "rtl" : "ltr");
      await expect(html).toHaveAttribute("data-theme", colorScheme);
      await expectAccessible(page);
      await page.locator("footer button").click();
      await expectAccessible(page);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(phone.width);
      await page.goto("/nowhere");
      await expectAccessible(page);
      audit.expectClean();
    });
  }
}

test("language and appearance by keyboard, remembered", async ({ person }) => {
  const page = await person({ locale: "en" });
  await page.goto("/");
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to content" })).toBeFocused();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await expect(page.getByRole("button", { name: "Language" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("menuitemradio", { name: "English" })).toBeFocused();
  await page.keyboard.press("d");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("button", { name: "Anruf starten" })).toBeVisible();
  await expect(page.getByRole("button", { name: "Sprache" })).toBeFocused();
  await page.keyboard.press("Tab");
  await page.keyboard.press("ArrowUp"); // opens at the end
  await expect(page.getByRole("menuitemradio", { name: "Wie das System" })).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("menu")).toBeHidden();
  await page.keyboard.press("Enter");
  await page.keyboard.press("h");
  await page.keyboard.press("Enter");
  await expect(page.locator("html")).toHaveAttribute("data-theme", "light");
  await page.reload();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "light");
  await expect(page.getByRole("button", { name: "Anruf starten" })).toBeVisible();
});

test("what is no link is answered with what to do", async ({ person, server }) => {
  const page = await person();
  const link = await makeCall(page, "Review");
  const guest = new URL(link).hash.slice(1);
  const other = await person();
  const cases: [string, RegExp][] = [
    ["", /Paste the link/],
    ["hello", /not a complete link/],
    [link.slice(0, -2), /not a complete link/],
    [`${server.url}/c`, /after the # is missing/],
    [`gAg${guest.slice(3)}`, /newer version/],
  ];
  for (const [text, answer] of cases) {
    await paste(other, text);
    await expect(other.getByText(answer)).toBeVisible();
    await expect(other.getByLabel("Link or code")).toHaveAttribute("aria-invalid", "true");
  }
  await paste(other, `https://call.example/c#${guest}`);
  await expect(other.getByText("This call is on call.example")).toBeVisible();
  await expect(other.getByRole("link", { name: "Go to call.example" })).toHaveAttribute("href", /call\.example/);
  await expectAccessible(other);
});

test("a guest's link opens the call; one's own asks as whom", async ({ person, server }) => {
  const host = await person();
  const link = await makeCall(host, "Review");
  await paste(host, link);
  await expect(host.getByText("You are the host of this call")).toBeVisible();
  await host.getByRole("button", { name: "Open as host" }).click();
  await host.waitForURL("**/c");

  const guest = await person();
  await paste(guest, new URL(link).hash);
  await guest.waitForURL("**/c");
  expect(await guest.evaluate(() => location.href)).toBe(`${server.url}/c`);
});

test("a host link says what it is", async ({ person }) => {
  const host = await person();
  await makeCall(host, "Review");
  const secret = await host.evaluate(() => {
    const book = JSON.parse(localStorage.getItem("visavis.calls") ?? "{}") as { calls: { fragment: string }[] };
    return book.calls[0]?.fragment ?? "";
  });
  const other = await person();
  await paste(other, secret);
  await expect(other.getByText("This is a host link")).toBeVisible();
  await other.getByRole("button", { name: "Open as host" }).click();
  await other.waitForURL("**/c");
});

test("a recent call is copied, ended, made again and forgotten", async ({ person }) => {
  const page = await person({ permissions: ["clipboard-read", "clipboard-write"] });
  const link = await makeCall(page, "Budget 2027");
  await page.goto("/");
  await page.getByRole("button", { name: "Copy the guest link" }).click();
  await expect(page.getByText("Guest link copied")).toBeVisible();
  await page.getByLabel("Link or code").focus(); // the page itself may not read the clipboard
  await page.keyboard.press("ControlOrMeta+v");
  await expect(page.getByLabel("Link or code")).toHaveValue(link);

  await page.getByRole("button", { name: "More about Budget 2027" }).click();
  await page.getByRole("menuitem", { name: "End the link" }).click();
  const dialog = page.getByRole("dialog", { name: "End this link for good?" });
  await expectAccessible(page);
  await dialog.getByRole("button", { name: "End the link" }).click();
  await expect(dialog).toBeHidden();
  await expect(page.getByText("Ended", { exact: true })).toBeVisible();

  await page.getByRole("button", { name: "New call like this" }).click();
  await expect(page.getByLabel("Title")).toHaveValue("Budget 2027");
  await page.goBack();
  await page.getByRole("button", { name: "More about Budget 2027" }).click();
  await page.getByRole("menuitem", { name: "Forget" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Forget" }).click();
  await expect(page.getByText("No calls yet")).toBeVisible();
  await expect(page.getByRole("heading", { name: "Recent calls" })).toBeFocused();
});

test("server away and device offline are told apart", async ({ person }) => {
  const page = await person();
  await page.goto("/");
  await page.getByRole("button", { name: "Start a call" }).waitFor();
  await page.routeWebSocket("**/ws", (socket) => socket.close());
  await page.getByRole("button", { name: "Start a call" }).click();
  await expect(page.getByRole("alert")).toContainText("The server does not answer");
  await page.context().setOffline(true);
  await page.getByRole("button", { name: "Start a call" }).click();
  await expect(page.getByRole("alert")).toContainText("This device is offline");
  await expectAccessible(page);
});

test("a browser without WebRTC is told so", async ({ person }) => {
  const page = await person();
  await page.addInitScript(() => Reflect.deleteProperty(globalThis, "RTCPeerConnection"));
  await page.goto("/");
  await expect(page.getByRole("heading", { name: "This browser cannot make calls" })).toBeVisible();
  await expectAccessible(page);
});

test("a page without https is told so", async ({ person }) => {
  const page = await person();
  await page.addInitScript(() => Object.defineProperty(globalThis, "isSecureContext", { value: false }));
  await page.goto("/");
  await expect(page.getByRole("heading", { name: "This page is not secure" })).toBeVisible();
});
