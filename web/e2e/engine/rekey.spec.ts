import type { Page } from "@playwright/test";
import { holdWorkers, unplayed } from "../support/frames.ts";
import { startServer } from "../support/server.ts";
import { Wire } from "../support/wire.ts";
import { expect, test } from "./harness.ts";
import { chat, connect, expectFrames, expectPhase, knock, phase, start, words } from "./steps.ts";

const say = (page: Page, text: string) => page.evaluate((t) => window.engine.call?.sendChat(t), text);
const epoch = (page: Page) => page.evaluate(() => window.engine.call?.security.epoch ?? -1);
const seen = (page: Page) => page.evaluate(() => window.engine.phases);

/** Everything that was said has arrived once, and its sender knows. */
async function expectChat(pages: readonly [Page, Page], lines: readonly string[]): Promise<void> {
  for (const page of pages) {
    await expect.poll(async () => (await chat(page))?.map((c) => c.text).sort()).toEqual([...lines].sort());
    await expect.poll(async () => (await chat(page))?.every((c) => c.delivered)).toBe(true);
  }
}

test("keys are renewed again and again while two people talk, and nobody notices", async ({ party }) => {
  const [host, guest] = [await party(), await party()];
  await Promise.all([host, guest].map(holdWorkers));
  await connect(host, guest, { rekeyMs: 3_000 });
  await expectFrames(host, guest);
  const before = await Promise.all([host, guest].map(unplayed));
  const lines: string[] = [];
  for (let n = 1; n <= 3; n++) {
    while ((await epoch(guest)) < n || (await epoch(host)) < n) {
      lines.push(`${lines.length}`, `${lines.length + 1}`); // before, during and after
      await Promise.all([say(host, lines.at(-2) ?? ""), say(guest, lines.at(-1) ?? "")]);
      await expect.poll(async () => (await chat(host))?.length).toBe(lines.length);
    }
  }
  await expectChat([host, guest], lines);
  await expectFrames(host, guest);
  for (const [i, page] of [host, guest].entries()) {
    await expect.poll(() => unplayed(page), "every frame that arrived was played").toBeLessThanOrEqual(before[i] ?? 0);
    expect(await seen(page)).not.toContain("reconnecting");
    expect(await page.evaluate(() => window.engine.peers[0]?.connectionState)).toBe("connected");
  }
});

test("A31: every third packet is lost, keys are renewed all the same, and the picture goes on", async ({ party }) => {
  const [host, guest, wire] = [await party(), await party(), new Wire(20)];
  for (const page of [host, guest]) await wire.join(page);
  await connect(host, guest, { rekeyMs: 4_000 });
  await expectFrames(host, guest);
  wire.loss = 0.3;
  const before = Math.max(await epoch(host), await epoch(guest));
  // Six messages in turn, each of several packets, which SCTP repeats ever later: half a minute is not rare.
  for (const page of [host, guest]) await expect.poll(() => epoch(page), { timeout: 100_000 }).toBeGreaterThan(before);
  await expectFrames(host, guest);
  for (const page of [host, guest])
    expect(await page.evaluate(() => window.engine.peers[0]?.connectionState)).toBe("connected");
  await wire.close();
});

test("keys are renewed while files go both ways, and every file arrives whole", async ({ party }) => {
  const [host, guest] = [await party(), await party()];
  await connect(host, guest, { rekeyMs: 3_000 });
  await Promise.all([host, guest].map((page) => keepSending(page)));
  await expect
    .poll(async () => Math.min(await epoch(host), await epoch(guest)), { timeout: 60_000 })
    .toBeGreaterThan(2);
  for (const page of [host, guest])
    await page.evaluate(() => ((window as unknown as { enough: boolean }).enough = true));
  for (const page of [host, guest]) {
    await expect
      .poll(() => page.evaluate(() => window.engine.call?.files.map((f) => f.state).filter((s) => s !== "done")), {
        timeout: 60_000,
      })
      .toEqual([]);
    const hashes = await page.evaluate(async () => {
      const sent = (window as unknown as { content: Uint8Array<ArrayBuffer> }).content;
      const hash = async (b: BufferSource) => [...new Uint8Array(await crypto.subtle.digest("SHA-256", b))].join();
      const got = window.engine.call?.files.flatMap((f) => (f.blob ? [f.blob] : [])) ?? [];
      return [await hash(sent), ...(await Promise.all(got.map(async (b) => hash(await b.arrayBuffer()))))];
    });
    expect(hashes.length).toBeGreaterThan(1);
    expect(new Set(hashes).size).toBe(1);
    expect(await seen(page)).not.toContain("reconnecting");
  }
});

/** Offers the same content as a new file whenever the last one has arrived, and takes what the other side offers. */
function keepSending(page: Page): Promise<void> {
  return page.evaluate(() => {
    const { call } = window.engine;
    const state = window as unknown as { content: Uint8Array<ArrayBuffer>; enough: boolean };
    state.content = Uint8Array.from({ length: 3_000_000 }, (_, i) => (i * 31 + (i >> 8)) & 255);
    state.enough = false;
    const next = (): void => {
      for (const f of call?.files ?? []) if (!f.mine && f.state === "offered") call?.acceptFile(f.id);
      const busy = call?.files.some((f) => f.mine && f.state !== "done");
      if (!busy && !state.enough) call?.sendFile(new File([state.content], "same.bin"));
    };
    call?.on("change", next);
    next();
  });
}

test("what is said while the connection moves to the relay arrives, once", async ({ party }) => {
  const [host, guest] = [await party(), await party()];
  await connect(host, guest);
  const lines: string[] = [];
  for (const relayOnly of [true, false]) {
    for (const page of [host, guest]) {
      await page.evaluate(
        ([on, name]) => {
          const { call } = window.engine;
          call?.sendChat(`${name} before ${on}`);
          call?.setRelayOnly(on === "true");
          call?.sendChat(`${name} after ${on}`);
        },
        [String(relayOnly), page === host ? "host" : "guest"] as const,
      );
      // The other side still has the old connection: this is what was lost.
      const other = page === host ? guest : host;
      await say(other, `meanwhile ${lines.length}`);
      const name = page === host ? "host" : "guest";
      lines.push(`meanwhile ${lines.length}`, `${name} before ${relayOnly}`, `${name} after ${relayOnly}`);
      await expectPhase("live", host, guest);
    }
  }
  await expectChat([host, guest], lines);
  await expectFrames(host, guest);
});

test("the server is killed in mid-call and comes back", async ({ party }) => {
  const env = { VISAVIS_LIMITS_CONNECTS_PER_MINUTE: "1000" };
  let server = await startServer({ env });
  const [host, guest] = [await party(server.url), await party(server.url)];
  await connect(host, guest);
  const before = await words(guest);
  process.kill(server.pid, "SIGKILL");
  await expect.poll(() => fetch(server.url).catch(() => null)).toBeNull();
  await say(host, "the server is dead");
  await expectChat([host, guest], ["the server is dead"]);
  await expectFrames(host, guest);
  server = await startServer({ env, port: server.port, dataDir: server.dataDir });
  await expect.poll(() => words(guest), { timeout: 30_000 }).not.toEqual(before);
  await expect.poll(async () => JSON.stringify(await words(host)) === JSON.stringify(await words(guest))).toBe(true);
  await say(guest, "it is back");
  await expectChat([host, guest], ["the server is dead", "it is back"]);
  for (const page of [host, guest]) {
    expect(await seen(page)).not.toContain("reconnecting");
    expect(await page.evaluate(() => window.engine.peers[0]?.connectionState)).toBe("connected");
  }
  await server.stop();
});

test("both reload at once, and are in the call again without a knock", async ({ party }) => {
  const [host, guest] = [await party(), await party()];
  const link = await connect(host, guest);
  await Promise.all([host.reload(), guest.reload()]);
  await Promise.all([start(host, { link: link.host, name: "Ada" }), start(guest, { link: link.guest })]);
  await expectPhase("live", host, guest);
  await expectFrames(host, guest);
  expect(await seen(guest)).not.toContain("knocking");
  expect(await host.evaluate(() => window.engine.call?.remote?.name)).toBe("Ben");
});

test("a page that was frozen goes on with the call", async ({ party }) => {
  const [host, guest] = [await party(), await party()];
  await connect(host, guest);
  const cdp = await guest.context().newCDPSession(guest);
  await cdp.send("Page.setWebLifecycleState", { state: "frozen" });
  await say(host, "are you there");
  await guest.evaluate(() => window.engine.cut()).catch(() => undefined);
  await cdp.send("Page.setWebLifecycleState", { state: "active" });
  await expectPhase("live", host, guest);
  await expectFrames(host, guest);
  await expectChat([host, guest], ["are you there"]);
});

test("A60: a guest who was removed has to knock again", async ({ party }) => {
  const [host, guest] = [await party(), await party()];
  const link = await connect(host, guest);
  const stolen = await guest.evaluate(() => JSON.stringify({ ...sessionStorage }));
  await host.evaluate(() => window.engine.call?.removeGuest());
  await expectPhase("ended", guest);
  await guest.reload();
  // Somebody kept a copy of the seat, and would rather not ask.
  await guest.evaluate(
    (s) => Object.entries(JSON.parse(s) as object).forEach(([k, v]) => sessionStorage.setItem(k, v)),
    stolen,
  );
  await start(guest, { link: link.guest });
  await expectPhase("ready", guest);
  expect(await phase(host)).toBe("alone");
  await knock(guest);
  await expectPhase("live", host, guest);
});
