import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expectAccessible } from "./support/audit.ts";
import { enterAsHost, expectLive, knock } from "./support/call.ts";
import { expect, test } from "./support/fixtures.ts";
import { startServer } from "./support/server.ts";

const token = "correct horse battery staple";

test("a server that asks for a token: the wrong one, the right one, and remembered", async ({ person }) => {
  const dir = await mkdtemp(join(tmpdir(), "visavis-token-"));
  const file = join(dir, "token");
  await writeFile(file, token);
  const server = await startServer({ args: ["--token-file", file] });
  try {
    const [host, guest] = [await person({ baseURL: server.url }), await person({ baseURL: server.url })];
    await host.goto("/");
    await host.getByRole("button", { name: "Start a call" }).click();
    const dialog = host.getByRole("dialog", { name: "This server asks for a token" });
    await expect(dialog).toBeVisible();
    await expectAccessible(host);
    await dialog.getByLabel("Token", { exact: true }).fill("something else altogether");
    await dialog.getByRole("button", { name: "Go on" }).click();
    await expect(dialog.getByText("The server did not accept this token.")).toBeVisible();
    await dialog.getByLabel("Token", { exact: true }).fill(token);
    await host.keyboard.press("Enter");
    const link = await host.getByLabel("Link for your guest").inputValue();
    await enterAsHost(host);
    await knock(guest, link); // guests need none
    await host.getByRole("button", { name: "Admit" }).click();
    await Promise.all([expectLive(host), expectLive(guest)]);

    await host.goto("/new"); // remembered
    await host.getByRole("button", { name: "Create the link" }).click();
    await expect(host.getByRole("heading", { name: "Your link is ready" })).toBeVisible();
  } finally {
    await server.stop();
    await rm(dir, { recursive: true });
  }
});
