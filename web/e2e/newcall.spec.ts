import { Audit, expectAccessible } from "./support/audit.ts";
import { expect, test } from "./support/fixtures.ts";

test("a call with everything chosen, by keyboard alone", async ({ person, server }) => {
  const page = await person();
  const audit = await Audit.watch(page, server.url);
  await page.goto("/");
  await page.getByRole("link", { name: "Choose options first" }).focus();
  await page.keyboard.press("Enter");
  await page.getByLabel("Title").focus();
  await page.keyboard.type("Second opinion");
  await page.keyboard.press("Tab");
  await page.keyboard.type("lamp sailboat");
  await page.keyboard.press("Tab"); // show the password
  await page.keyboard.press("Space");
  await expect(page.getByRole("textbox", { name: "Password" })).toHaveValue("lamp sailboat");
  await expect(page.getByRole("textbox", { name: "Password" })).toHaveAttribute("type", "text");
  await page.keyboard.press("Tab"); // suggest one
  await page.keyboard.press("Tab");
  await expect(page.getByRole("switch", { name: "Waiting room" })).toBeFocused();
  await expect(page.getByRole("switch", { name: "Waiting room" })).toBeChecked();
  await page.keyboard.press("Space");
  await expect(page.getByRole("switch", { name: "Waiting room" })).not.toBeChecked();
  await page.keyboard.press("Tab"); // one-time link
  await page.keyboard.press("Tab");
  await expect(page.getByRole("switch", { name: "Hide internet addresses" })).toBeFocused();
  await page.keyboard.press("Enter");
  await page.getByLabel("The link is valid for").selectOption({ label: "1 hour" });
  await page.getByLabel("Time limit").selectOption({ label: "30 minutes" });
  await expectAccessible(page);
  await page.getByLabel("Time limit").focus();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");

  await expect(page.getByRole("heading", { name: "Your link is ready" })).toBeFocused();
  const link = new URL(await page.getByLabel("Link for your guest").inputValue());
  expect(link.origin + link.pathname).toBe(`${server.url}/c`);
  expect(link.hash).toMatch(/^#g[A-Za-z0-9_-]{67}$/);
  await expect(page.getByText("lamp sailboat")).toBeVisible();
  for (const fact of [/comes straight in/, /Works for one call/, /after 30 minutes/, /addresses stay hidden/]) {
    await expect(page.getByText(fact)).toBeVisible();
  }
  await page.getByRole("button", { name: "Show as QR code" }).press("Enter");
  await expect(page.getByRole("img", { name: "QR code of the guest link" })).toBeVisible();
  const mail = await page.getByRole("link", { name: "Send by email" }).getAttribute("href");
  expect(decodeURIComponent(mail ?? "")).toContain(link.href);
  expect(mail).not.toContain("sailboat"); // the password never travels with the link
  await expectAccessible(page);
  await page.getByRole("button", { name: "Open the lobby" }).press("Enter");
  await page.waitForURL("**/c");
  audit.expectClean();
});

test("who required post-quantum encryption once requires it of a call like that", async ({ person }) => {
  const page = await person();
  const required = page.getByRole("switch", { name: "Require post-quantum encryption" });
  await page.goto("/new");
  await expect(required).not.toBeChecked();
  await required.click();
  await page.getByRole("switch", { name: "Waiting room" }).click();
  await page.getByLabel("Title").fill("Board");
  await page.getByRole("button", { name: "Create the link" }).click();
  await expect(page.getByLabel("Link for your guest")).toBeVisible();
  await page.goto("/");
  await page.getByRole("button", { name: "More about Board" }).click();
  await page.getByRole("menuitem", { name: "End the link" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "End the link" }).click();
  await page.getByRole("button", { name: "New call like this" }).click();
  await expect(page.getByLabel("Title")).toHaveValue("Board");
  await expect(required).toBeChecked();
  await expect(page.getByRole("switch", { name: "Waiting room" })).not.toBeChecked();
});

test("a weak password is refused with the rule", async ({ person }) => {
  const page = await person();
  await page.goto("/new");
  const password = page.getByRole("textbox", { name: "Password" });
  for (const [text, answer] of [
    ["1234", /Too short/],
    ["123456", /first thing anybody would try/],
    ["x".repeat(257), /Too long/],
  ] as const) {
    await password.fill(text);
    await page.getByRole("button", { name: "Create the link" }).click();
    await expect(page.getByText(answer)).toBeVisible();
    await expect(password).toBeFocused();
  }
  await page.getByRole("button", { name: "Suggest one" }).click();
  await expect(password).toHaveValue(/^\d{6}$/);
  await expect(page.getByText(/Too long/)).toBeHidden();
  await page.getByRole("button", { name: "Create the link" }).click();
  await expect(page.getByText("Tell the password by another way")).toBeVisible();
});

for (const lang of ["de", "fr", "es", "ar"]) {
  test(`accessible and within a phone: ${lang}`, async ({ person }) => {
    const page = await person({ locale: lang, viewport: { width: 390, height: 844 } });
    await page.goto("/new");
    await page.locator("form").waitFor();
    await expectAccessible(page);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
    await page.locator("button[type=submit]").click();
    await page.locator("input[readonly]").waitFor();
    await expectAccessible(page);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
  });
}

test("a server of another version is named, on the page that makes calls and in a call", async ({ person }) => {
  const [page, guest] = [await person(), await person()];
  await page.goto("/new");
  await page.getByRole("button", { name: "Create the link" }).click();
  const link = await page.getByLabel("Link for your guest").inputValue();
  const limits = { frame_bytes: 1, frames_per_second: 1, frames_burst: 1, join_ms: 1, waiting: 1, max_ttl_ms: 1 };
  const welcome = { type: "welcome", version: 2, nonce: "A".repeat(43), time_ms: 1, limits, stun: [] };
  for (const one of [page, guest])
    await one.routeWebSocket("**/ws", (socket) => {
      socket.onMessage(() => undefined);
      socket.send(JSON.stringify(welcome));
    });
  await page.goto("/new");
  await page.getByRole("button", { name: "Create the link" }).click();
  await expect(page.getByRole("alert")).toContainText("different versions of visavis");
  await guest.goto(link);
  await expect(guest.getByText("different versions of visavis")).toBeVisible();
  await expect(guest.getByText("E_VERSION")).toBeVisible();
  await expectAccessible(guest);
});

test("a refusal of the server is told in words", async ({ person }) => {
  const page = await person();
  await page.routeWebSocket("**/ws", (socket) => {
    const limits = { frame_bytes: 1, frames_per_second: 1, frames_burst: 1, join_ms: 1, waiting: 1, max_ttl_ms: 1 };
    socket.onMessage(() => socket.send(JSON.stringify({ type: "error", code: "E_RATE" })));
    socket.send(JSON.stringify({ type: "welcome", version: 1, nonce: "A".repeat(43), time_ms: 1, limits, stun: [] }));
  });
  await page.goto("/new");
  await page.getByRole("button", { name: "Create the link" }).click();
  await expect(page.getByRole("alert")).toContainText("Wait a minute");
  await expect(page.getByRole("button", { name: "Create the link" })).toBeEnabled();
});
