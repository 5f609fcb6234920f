import { Audit, expectAccessible } from "./support/audit.ts";
import { connect, expectLive, knock, startCall } from "./support/call.ts";
import { expect, test } from "./support/fixtures.ts";

const phone = { width: 390, height: 844 };

for (const [locale, appearance] of [
  ["en", "dark"],
  ["en", "light"],
] as const) {
  test(`every phase is accessible and keeps the content policy: ${appearance}`, async ({ person, server }) => {
    test.slow(); // axe reads a page again and again beside two browsers that encode video
    const [host, guest] = [await person({ locale }), await person({ locale, viewport: phone })];
    const audits = [await Audit.watch(host, server.url), await Audit.watch(guest, server.url)];
    for (const page of [host, guest]) {
      await page.addInitScript((theme) => {
        const preferences = { v: 1, locale: null, appearance: theme, name: "", relayOnly: false, devices: {} };
        localStorage.setItem("visavis.preferences", JSON.stringify(preferences));
      }, appearance);
    }
    const link = await startCall(host);
    await expectAccessible(host); // lobby
    await host.getByRole("button", { name: "Enter the call" }).click();
    await expectAccessible(host); // alone
    await knock(guest, link);
    await expectAccessible(guest); // waiting
    await host.getByRole("button", { name: "Ask to wait" }).click();
    await expectAccessible(host); // knock
    await host.getByRole("button", { name: "Back" }).click();
    await host.getByRole("button", { name: "Admit" }).click();
    await expectLive(guest);
    for (const panel of ["Chat", "Verification words", "Who can see what", "Devices"]) {
      await host.getByRole("button", { name: panel, exact: true }).click();
      await expect(host.getByRole("complementary")).toBeVisible();
      await expectAccessible(host);
    }
    await guest.getByRole("button", { name: "Chat" }).click();
    await expectAccessible(guest);
    await guest.keyboard.press("Escape");
    expect(await guest.evaluate(() => document.documentElement.scrollWidth)).toBe(phone.width);
    await guest.getByRole("button", { name: "Leave" }).click();
    await expectAccessible(guest); // after
    for (const audit of audits) audit.expectClean();
  });
}

test("a call in Arabic, from right to left, is accessible in all its panels", async ({ person }) => {
  test.slow(); // as above
  const [host, guest] = [await person(), await person()];
  await connect(host, guest);
  await host.evaluate(() => {
    const stored = JSON.parse(localStorage.getItem("visavis.preferences") ?? "");
    localStorage.setItem("visavis.preferences", JSON.stringify({ ...stored, locale: "ar", appearance: "light" }));
  });
  await host.reload(); // the call goes on, in another language
  await expect(host.locator("html")).toHaveAttribute("dir", "rtl");
  await expect(host.getByRole("toolbar", { name: "أدوات المكالمة" })).toBeVisible();
  await expectLive(guest);
  await expectAccessible(host);
  for (const key of ["c", "w", "i", "d"]) {
    await host.keyboard.press(key);
    await expect(host.getByRole("complementary")).toBeVisible();
    await expectAccessible(host);
    await host.keyboard.press(key);
  }
});

test("a whole call by keyboard, and what a screen reader hears of it", async ({ person }) => {
  const [host, guest] = [await person(), await person()];
  const link = await startCall(host);
  await host.getByLabel("Your name").focus();
  await host.keyboard.type("Ada");
  await host.keyboard.press("Enter");
  await guest.goto(link);
  await guest.getByLabel("Your name").focus();
  await guest.keyboard.type("Ben");
  await guest.keyboard.press("Enter");

  // The card shows it; the status only says it, so it has no size.
  const heard = host.getByRole("status").filter({ hasText: "Ben is knocking and would like to join." });
  await expect(heard).toBeAttached();
  await host.getByRole("button", { name: "Admit" }).focus();
  await host.keyboard.press("Enter");
  await Promise.all([expectLive(host), expectLive(guest)]);
  await expect(host.getByRole("status").filter({ hasText: "You are connected with Ben." })).toBeVisible();

  await test.step("letters work the bar, and are text in a text field", async () => {
    const microphone = host.getByRole("switch", { name: "Microphone" });
    await host.keyboard.press("m");
    await expect(microphone).not.toBeChecked();
    await expect(guest.getByRole("status").filter({ hasText: "Ada has muted the microphone." })).toBeVisible();
    await host.keyboard.press("c");
    await expect(host.getByRole("heading", { name: "Chat" })).toBeFocused();
    await host.getByLabel("Message").focus();
    await host.keyboard.type("mvch");
    await host.keyboard.press("Enter");
    await expect(guest.getByRole("status").filter({ hasText: "Ada writes: mvch" })).toBeVisible();
    await expect(microphone).not.toBeChecked();
    await host.keyboard.press("Escape");
    await expect(host.getByRole("complementary")).toBeHidden();
    await host.keyboard.press("m");
    await expect(microphone).toBeChecked();
  });

  await test.step("the self view moves with the arrow keys and can be hidden", async () => {
    const self = host.getByRole("button", { name: /^Your picture/ });
    await self.focus();
    const before = await self.boundingBox();
    await host.keyboard.press("ArrowRight");
    await host.keyboard.press("ArrowDown");
    const after = await self.boundingBox();
    expect(after?.x).toBeGreaterThan(before?.x ?? Infinity);
    expect(after?.y).toBeGreaterThan(before?.y ?? Infinity);
    await host.keyboard.press("h");
    await expect(self).toBeHidden();
    await expect(host.getByText("Your picture is hidden. Ben still sees you.")).toBeVisible();
  });

  await test.step("letters can be switched off", async () => {
    await host.keyboard.press("?");
    await host.getByRole("switch", { name: "Single letters as shortcuts" }).focus();
    await host.keyboard.press("Space");
    await host.keyboard.press("Escape");
    await host.keyboard.press("m");
    await expect(host.getByRole("switch", { name: "Microphone" })).toBeChecked();
  });

  await host.getByRole("button", { name: "Leave" }).focus();
  await host.keyboard.press("Enter");
  await expect(host.getByRole("heading", { name: "You have left the call" })).toBeFocused();
  await expect(guest.getByRole("heading", { name: "Ada has left the call" })).toBeFocused();
});
