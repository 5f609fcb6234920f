import { createHash, randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import type { Page } from "@playwright/test";
import { enterAsHost, expectLive, startCall } from "../support/call.ts";
import { expect, test } from "./fixtures.ts";

const hash = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");

async function saved(page: Page): Promise<string> {
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Save" }).last().click(),
  ]);
  return hash(await readFile(await download.path()));
}

test("files between a browser and a terminal, both ways, over a connection that is replaced", async ({
  person,
  native,
}, info) => {
  const folder = info.outputPath("received");
  const [report, film] = [randomBytes(3_000_000), randomBytes(16_000_000)];
  await mkdir(folder, { recursive: true });
  for (const [name, bytes] of [
    ["report.pdf", report],
    ["film.bin", film],
  ] as const)
    await writeFile(info.outputPath(name), bytes);

  const host = await person();
  const link = await startCall(host);
  await enterAsHost(host);
  const guest = native(link, "--name", "Cleo", "--save", folder, "--send", info.outputPath("report.pdf"));
  await host.getByRole("button", { name: "Admit" }).click();
  await expectLive(host);
  await host.getByRole("button", { name: /^Chat/ }).click();
  const log = host.getByRole("log");
  const input = host.locator("input[type=file]");

  await test.step("from the terminal: the same bytes", async () => {
    expect(await guest.next("file")).toMatchObject({ mine: true, name: "report.pdf", size: report.length });
    await host.getByRole("button", { name: "Accept" }).click();
    await expect(log.getByText("arrived and checked")).toBeVisible();
    expect(await guest.next("file_ended")).toMatchObject({ mine: true, reason: "done" });
    expect(await saved(host)).toBe(hash(report));
  });

  await test.step("from the browser: asked, taken, under a safe name that was free", async () => {
    await writeFile(`${folder}/plan.exe`, "mine");
    await input.setInputFiles({ name: "../plan.exe", mimeType: "text/plain", buffer: Buffer.from("theirs") });
    expect(await guest.next("file")).toMatchObject({ mine: false, name: "plan.exe", size: 6, can_run: true });
    guest.type("/accept");
    expect(await guest.next("file_ended")).toMatchObject({ reason: "done", path: `${folder}/plan (1).exe` });
    await expect(log.getByText("Cleo has it", { exact: true })).toBeVisible();
    expect(await readFile(`${folder}/plan.exe`, "utf8")).toBe("mine");
    expect(await readFile(`${folder}/plan (1).exe`, "utf8")).toBe("theirs");
  });

  await test.step("the connection is replaced while both send: each goes on where it was", async () => {
    const other = randomBytes(12_000_001);
    guest.type(`/send ${info.outputPath("film.bin")}`);
    await host.getByRole("button", { name: "Accept" }).click();
    await input.setInputFiles({ name: "other.bin", mimeType: "application/octet-stream", buffer: other });
    expect(await guest.next("file")).toMatchObject({ name: "film.bin" });
    expect(await guest.next("file")).toMatchObject({ name: "other.bin" });
    guest.type("/accept");
    for (const name of ["film.bin", "other.bin"]) {
      const progress = host.getByRole("progressbar", { name: `Progress of ${name}` });
      await expect.poll(() => progress.evaluate((p: HTMLProgressElement) => p.value)).toBeGreaterThan(500_000);
    }
    await host.getByRole("button", { name: "Who can see what" }).click();
    await host.getByRole("switch", { name: "Always relay" }).click();
    await guest.next("live"); // the first connection
    expect(await guest.next("live")).toMatchObject({ path: "relayed" });
    await host.getByRole("button", { name: /^Chat/ }).click();
    const ends = [await guest.next("file_ended"), await guest.next("file_ended")];
    for (const end of ends) expect(end).toMatchObject({ reason: "done", problem: "" });
    expect(hash(await readFile(`${folder}/other.bin`))).toBe(hash(other));
    await expect(log.getByText("arrived and checked")).toHaveCount(2);
    expect(await saved(host)).toBe(hash(film));
  });

  await test.step("declined and canceled, by either; nothing of it stays", async () => {
    await input.setInputFiles({ name: "no.txt", mimeType: "text/plain", buffer: Buffer.from("no") });
    expect(await guest.next("file")).toMatchObject({ name: "no.txt" });
    guest.type("/decline");
    await expect(log.getByText("declined")).toBeVisible();
    expect(await guest.next("file_ended")).toMatchObject({ reason: "declined" });
    await input.setInputFiles({ name: "oops.txt", mimeType: "text/plain", buffer: Buffer.from("oops") });
    await host.getByRole("button", { name: "Cancel" }).click();
    expect(await guest.next("file_ended")).toMatchObject({ name: "oops.txt", reason: "canceled" });
    expect((await readdir(folder)).toSorted()).toEqual(["other.bin", "plan (1).exe", "plan.exe"]);
  });

  guest.type("/leave");
  expect(await guest.ended()).toMatchObject({ code: 0, last: { reason: "hangup" } });
});
