import type { Page } from "@playwright/test";
import { enterAsHost, expectLive, startCall } from "./support/call.ts";
import { expect, test } from "./support/fixtures.ts";

const chromeOnWindows =
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36";

const browsers = [
  ["Chrome", chromeOnWindows, "Click the icon left of the address, switch Camera on"],
  ["Edge", `${chromeOnWindows} Edg/156.0.0.0`, "Click the padlock left of the address, choose “Allow” for Camera"],
  [
    "Firefox",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Click the crossed-out Camera symbol",
  ],
  [
    "Safari on an iPhone",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1",
    "Website Settings, set Camera to “Allow”",
  ],
] as const;

/** Makes getUserMedia fail as browsers do, until `allowDevices()`. */
async function failDevices(page: Page, name: string): Promise<void> {
  await page.addInitScript((reason) => {
    let failing = true;
    const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = (constraints) =>
      failing ? Promise.reject(new DOMException("refused by the test", reason)) : real(constraints);
    Object.assign(globalThis, { allowDevices: () => (failing = false) });
  }, name);
}

for (const [browser, userAgent, steps] of browsers) {
  test(`blocked devices: ${browser} is told its own steps`, async ({ person }) => {
    const page = await person({ userAgent, permissions: [] });
    await failDevices(page, "NotAllowedError");
    await page.addInitScript(() => {
      const denied = {
        state: "denied",
        onchange: null,
        addEventListener: () => undefined,
        removeEventListener: () => undefined,
      };
      navigator.permissions.query = () => Promise.resolve(denied as unknown as PermissionStatus);
    });
    await startCall(page);
    await expect(page.getByText("The camera is blocked for this page")).toBeVisible();
    await expect(page.getByText("The microphone is blocked for this page")).toBeVisible();
    await expect(page.getByText(steps)).toBeVisible();
  });
}

test("the next try works as soon as the camera is free again", async ({ person }) => {
  const page = await person();
  await failDevices(page, "NotReadableError");
  await startCall(page);
  await expect(page.getByText("Another program is using the camera")).toBeVisible();
  await page.evaluate(() => (globalThis as unknown as { allowDevices(): void }).allowDevices());
  const camera = page.getByRole("status").filter({ hasText: "camera" });
  await camera.getByRole("button", { name: "Try again" }).click();
  await expect(page.getByText("Another program is using the camera")).toBeHidden();
  await expect(page.getByRole("switch", { name: "Camera" })).toBeChecked();
});

test("without any device the page still comes to the end of its loading", async ({ person }) => {
  const [host, guest] = [await person(), await person()];
  await failDevices(guest, "NotFoundError");
  // As on a slow network: the lobby is there long before the page has loaded everything.
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  await guest.route("**/late.css", async (route) => {
    await held;
    await route.fulfill({ contentType: "text/css", body: "" });
  });
  await guest.addInitScript(() => {
    addEventListener("DOMContentLoaded", () => {
      const late = Object.assign(document.createElement("link"), { rel: "stylesheet", href: "/late.css" });
      document.head.append(late);
    });
  });
  const link = await startCall(host);
  const loaded = guest.goto(link, { waitUntil: "load" });
  await expect(guest.getByText("You will come in without camera and microphone.")).toBeVisible();
  release();
  await loaded;
});

test("two people without any device still meet", async ({ person }) => {
  const [host, guest] = [await person(), await person()];
  await failDevices(host, "NotFoundError");
  await failDevices(guest, "NotFoundError");
  const link = await startCall(host);
  await expect(host.getByText("No camera found")).toBeVisible();
  await enterAsHost(host);
  await guest.goto(link);
  await guest.getByLabel("Your name").fill("Ben");
  await expect(guest.getByText("You will come in without camera and microphone.")).toBeVisible();
  await guest.getByRole("button", { name: "Ask to join" }).click();
  await host.getByRole("button", { name: "Admit" }).click();
  await Promise.all([expectLive(host), expectLive(guest)]);
  await expect(host.getByText("Ben has the camera off", { exact: true })).toBeVisible();
});

test("name and devices are remembered, and the test sound plays", async ({ person }) => {
  const page = await person();
  await startCall(page);
  const microphone = page.getByLabel("Microphone").and(page.locator("select"));
  const labels = await microphone.locator("option").allInnerTexts();
  expect(labels.length).toBeGreaterThan(1);
  await microphone.selectOption({ label: labels.at(-1) ?? "" });
  await page.getByLabel("Your name").fill("Ada");
  await page.getByLabel("Your name").blur();
  await page.reload();
  await expect(page.getByLabel("Your name")).toHaveValue("Ada");
  await expect(microphone.locator("option:checked")).toHaveText(labels.at(-1) ?? "");
  await page.getByRole("button", { name: "Play a test sound" }).click();
  await expect(page.getByRole("meter", { name: "Microphone level" })).toHaveAttribute("aria-valuenow", /[1-9]/);
});

for (const [what, address, title] of [
  ["without a link", "/c", "A link is missing"],
  ["with a link cut short", "/c#gAQBx", "This link does not work"],
  ["with a link of a later version", "/c#gAgBx1PeiUFpxaAFG", "This link does not work"],
] as const) {
  test(`opened ${what}, the page says so`, async ({ person }) => {
    const page = await person();
    await page.goto(address);
    await expect(page.getByRole("heading", { name: title })).toBeVisible();
    await page.getByRole("button", { name: "To the start page" }).click();
    await expect(page.getByRole("button", { name: "Start a call" })).toBeVisible();
  });
}

test("a wrong password is counted; after five the host decides", async ({ person }) => {
  test.slow(); // the host answers later after each wrong guess: 0, 1, 2, 4, 8 s
  const [host, guest] = [await person(), await person()];
  await host.goto("/new");
  await host.getByRole("textbox", { name: "Password" }).fill("lamp sailboat");
  await host.getByRole("button", { name: "Create the link" }).click();
  const link = await host.getByLabel("Link for your guest").inputValue();
  await host.getByRole("button", { name: "Open the lobby" }).click();
  await enterAsHost(host);

  await guest.goto(link);
  await guest.getByLabel("Your name").fill("Mallory");
  const password = guest.getByLabel("Password of this call");
  const ask = guest.getByRole("button", { name: "Ask to join" });
  for (const left of [4, 3, 2, 1]) {
    await password.fill(`guess ${left}`);
    await ask.click();
    await expect(guest.getByText(`This password is not right. Attempts left: ${left}`)).toBeVisible({
      timeout: 30_000,
    });
  }
  await password.fill("guess 0");
  await ask.click();
  await expect(guest.getByRole("heading", { name: "You could not get in" })).toBeVisible({ timeout: 30_000 });
  await expect(host.getByText("Locked: too many wrong passwords").last()).toBeVisible();
  await host.getByRole("button", { name: "Allow 5 more attempts" }).click();

  await guest.getByRole("button", { name: "Try again" }).click();
  await guest.getByLabel("Your name").fill("Ben");
  await password.fill("lamp sailboat");
  await ask.click();
  await expect(host.getByRole("heading", { name: "Ben would like to join" })).toBeVisible({ timeout: 30_000 });
});
