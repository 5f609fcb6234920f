import { createHash, randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { Page } from "@playwright/test";
import { expectAccessible } from "./support/audit.ts";
import { connect, expectLive } from "./support/call.ts";
import { expect, test } from "./support/fixtures.ts";

const hash = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");

async function send(page: Page, name: string, buffer: Buffer, mimeType = "application/octet-stream"): Promise<void> {
  await page.locator("input[type=file]").setInputFiles({ name, mimeType, buffer });
}

/** Whether the browser would ask this person before it closes or reloads the page. */
function asksBeforeLeaving(page: Page): Promise<boolean> {
  return page.evaluate(() => !dispatchEvent(new Event("beforeunload", { cancelable: true })));
}

test("a file goes across, survives a cut connection, and can be declined or canceled", async ({ person }) => {
  const [host, guest] = [await person(), await person({ viewport: { width: 390, height: 844 } })];
  await connect(host, guest);
  await host.getByRole("button", { name: "Chat" }).click();

  await test.step("offered, accepted, saved: the same bytes under a safe name", async () => {
    const photo = randomBytes(3_000_000);
    await send(host, "../../etc/plan \u202Egnp.exe", photo);
    await expect(host.getByRole("log").getByText("waiting for Ben to accept")).toBeVisible();
    await guest.getByRole("button", { name: "Chat, unread: 1" }).click();
    await expect(guest.getByText("This kind of file can run programs")).toBeVisible();
    await expectAccessible(guest);
    await guest.getByRole("button", { name: "Accept" }).click();
    await expect(guest.getByRole("log").getByText("arrived and checked")).toBeVisible();
    await expect(host.getByRole("log").getByText("Ben has it", { exact: true })).toBeVisible();
    expect(await asksBeforeLeaving(guest)).toBe(true);
    expect(await asksBeforeLeaving(host)).toBe(false); // who has the file anyway
    const [download] = await Promise.all([
      guest.waitForEvent("download"),
      guest.getByRole("button", { name: "Save" }).click(),
    ]);
    expect(download.suggestedFilename()).toBe("plan gnp.exe");
    expect(await asksBeforeLeaving(guest)).toBe(false);
    expect(hash(await readFile(await download.path()))).toBe(hash(photo));
  });

  await test.step("the connection breaks in the middle: it goes on where it was", async () => {
    const film = randomBytes(16_000_000);
    await send(host, "film.bin", film);
    await guest.getByRole("button", { name: "Accept" }).click();
    const progress = host.getByRole("progressbar", { name: "Progress of film.bin" });
    await expect.poll(() => progress.evaluate((p: HTMLProgressElement) => p.value)).toBeGreaterThan(1_000_000);
    // Through the relay from now on: both pages make another connection, and what was on its way is lost.
    await host.getByRole("button", { name: "Who can see what" }).click();
    await host.getByRole("switch", { name: "Always relay" }).click();
    await host.getByRole("button", { name: "Chat" }).click();
    await expectLive(host);
    await expect(guest.getByRole("log").getByText("arrived and checked")).toHaveCount(2, { timeout: 40_000 });
    const [download] = await Promise.all([
      guest.waitForEvent("download"),
      guest.getByRole("button", { name: "Save" }).last().click(),
    ]);
    expect(hash(await readFile(await download.path()))).toBe(hash(film));
  });

  await test.step("declined by one, canceled by the other", async () => {
    await send(host, "no.txt", Buffer.from("no"), "text/plain");
    await guest.getByRole("button", { name: "Decline" }).click();
    await expect(host.getByRole("log").getByText("declined")).toBeVisible();
    await send(guest, "oops.txt", Buffer.from("oops"), "text/plain");
    await guest.getByRole("button", { name: "Cancel" }).click();
    await expect(host.getByRole("log").getByText("canceled")).toBeVisible();
  });

  await test.step("what was received can still be saved after the call", async () => {
    await host.getByRole("button", { name: "Leave" }).click();
    await expect(guest.getByRole("region", { name: "Files you received" }).getByRole("listitem")).toHaveCount(2);
  });
});
