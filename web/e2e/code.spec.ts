import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer, request as forward, type IncomingMessage, type ServerResponse } from "node:http";
import { promisify } from "node:util";
import { enterAsHost, expectLive, expectPicture, knock, startCall } from "./support/call.ts";
import { expectAccessible } from "./support/audit.ts";
import { binary } from "./support/build.ts";
import { expect, test } from "./support/fixtures.ts";
import { startLocalPage } from "./support/localpage.ts";

const run = promisify(execFile);

async function digest(): Promise<string> {
  const { stdout } = await run(binary(), ["version"]);
  return /web app: ([0-9a-f]{64})/.exec(stdout)?.[1] ?? "none";
}

async function verifyWeb(
  url: string,
): Promise<{ code: number; report: { same: boolean; differences: { path: string }[] } }> {
  const { code, stdout } = await run(binary(), ["verify-web", "--json", url]).then(
    ({ stdout }) => ({ code: 0, stdout }),
    (error: { code: number; stdout: string }) => error,
  );
  return { code, report: JSON.parse(stdout) as Awaited<ReturnType<typeof verifyWeb>>["report"] };
}

test("the page names its code, which is that of the binary; the server sends nothing else", async ({
  person,
  server,
}) => {
  const page = await person();
  await page.goto("/");
  await page.getByRole("button", { name: "What can the server see?" }).click();
  await expect(page.getByText(/files that this page has loaded are those of the build/)).toBeVisible();
  const grouped = (await digest()).match(/.{4}/g)?.join(" ") ?? "";
  await expect(page.getByText(grouped, { exact: true })).toBeVisible();
  await expect(page.getByText(`visavis verify-web ${server.url}`)).toBeVisible();
  await expectAccessible(page);
  expect(await verifyWeb(server.url)).toMatchObject({ code: 0, report: { same: true, differences: [] } });
});

test("a server that adds one byte to a script: it does not run, the page says so, and so does verify-web", async ({
  browser,
  server,
}) => {
  await using liar = await startLiar(server.url, /^\/assets\/Call-.*\.js$/);
  const context = await browser.newContext({ baseURL: liar.url });
  const page = await context.newPage();
  await page.goto("/");
  await page.getByRole("button", { name: "Start a call" }).click();
  await expect(page.getByRole("heading", { name: "Part of this page is missing" })).toBeVisible();
  expect(await page.evaluate(() => "altered" in globalThis)).toBe(false);
  await expectAccessible(page);
  await context.close();
  const { code, report } = await verifyWeb(liar.url);
  expect(code).toBe(2);
  expect(report.differences[0]?.path).toMatch(/^\/assets\/Call-/);
});

test("the page from one's own binary holds a call with somebody at the server's page", async ({ person, server }) => {
  await using local = await startLocalPage(server.url);
  const [host, guest] = [await person({ baseURL: local.url }), await person()];
  const link = await startCall(host);
  expect(link.startsWith(`${server.url}/c#g`)).toBe(true);
  await enterAsHost(host);
  await knock(guest, link);
  await host.getByRole("button", { name: "Admit" }).click();
  await Promise.all([expectLive(host), expectLive(guest)]);
  await Promise.all([expectPicture(host), expectPicture(guest)]);
});

test("a guest opens the link in the page from the own binary; other names of this machine are refused", async ({
  person,
  server,
}) => {
  const host = await person();
  const link = await startCall(host);
  await enterAsHost(host);
  await using local = await startLocalPage(link);
  const guest = await person();
  await knock(guest, local.url);
  await host.getByRole("button", { name: "Admit" }).click();
  await Promise.all([expectLive(host), expectLive(guest)]);
  const { origin, port } = new URL(local.url);
  expect((await fetch(`http://localhost:${port}/`)).status).toBe(421);
  expect((await fetch(`${origin}/`)).status).toBe(200);
  expect(server.log()).not.toContain(new URL(link).hash.slice(2));
});

/** A server that forwards everything, and adds a line to the scripts that `which` names. */
async function startLiar(
  server: string,
  which: RegExp,
): Promise<{ url: string; [Symbol.asyncDispose](): Promise<void> }> {
  const target = new URL(server);
  const lie = (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const path = incoming.url ?? "/";
    const headers = { ...incoming.headers, ...(which.test(path) && { "accept-encoding": "identity" }) };
    forward({ host: target.hostname, port: target.port, path, headers }, (answer) => {
      const extra = which.test(path) ? "\n;globalThis.altered = true;" : "";
      const { "content-length": _, ...rest } = answer.headers;
      outgoing.writeHead(answer.statusCode ?? 500, rest);
      answer.on("data", (chunk: Buffer) => outgoing.write(chunk));
      answer.on("end", () => outgoing.end(extra));
    }).end();
  };
  const proxy = createServer(lie);
  // The socket goes through as it is.
  proxy.on("upgrade", (incoming, socket, head) => {
    const there = forward({ host: target.hostname, port: target.port, path: incoming.url, headers: incoming.headers });
    there.on("upgrade", (answer, other, early) => {
      const lines = Object.entries(answer.headers).map(([name, value]) => `${name}: ${String(value)}`);
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join("\r\n")}\r\n\r\n`);
      socket.write(early);
      other.write(head);
      other.pipe(socket).pipe(other);
    });
    there.on("error", () => socket.destroy());
    there.end();
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const address = proxy.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    [Symbol.asyncDispose]: async () => {
      proxy.closeAllConnections();
      proxy.close();
      await once(proxy, "close");
    },
  };
}
