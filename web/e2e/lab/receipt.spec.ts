import type { Page } from "@playwright/test";
import { connect, expectPicture } from "../support/call.ts";
import { expect, test } from "./fixtures.ts";

/** What is done to a network, for how long, and what both receipts say of it afterwards. */
const faults = [
  {
    name: "the host's line can send little",
    long: true, // when a line is too thin is also in line.json
    // Far too little also for the small picture of these tests: what fits is no trouble, and not named.
    strike: "send host rate=80k queue=16k",
    heal: "send host clear",
    seconds: 20,
    host: [/^Your line could send only \d+ kbit\/s/, "on your side"],
    guest: [/^Ada could send only \d+ kbit\/s/, "on the other side: Ada"],
  },
  {
    name: "every fifth packet of the host's gets lost",
    strike: "send host loss=20%",
    heal: "send host clear",
    seconds: 20,
    host: [/^\d+ % of what you sent got lost on the way/, "on your side"],
    guest: [/^\d+ % of what came from Ada got lost on the way/, "on the other side: Ada"],
  },
  {
    name: "the guest's network is gone for a while",
    strike: "link guest down",
    heal: "link guest up",
    seconds: 10,
    host: [/^The network of Ben was gone for \d+ s/, "on the other side: Ben"],
    guest: [/^Your network was gone for \d+ s/, "on your side"],
  },
  {
    name: "the server is away for a while",
    long: true, // what a receipt says of it is also in quality.json, that the call goes on in survival.spec.ts
    cameras: false, // nothing else may trouble them for so long: a picture does on a slow machine
    strike: "server kill",
    heal: "server start",
    seconds: 20,
    host: [/^The server was away for \d+ s, for both of you/, "at the server"],
    guest: [/^The server was away for \d+ s, for both of you/, "at the server"],
  },
] as const;

// The long ones: `make test-long`.
const cases = faults.filter((fault) => !("long" in fault) || process.env["VISAVIS_ATTACKS"]);

for (const { name, strike, heal, seconds, ...more } of cases)
  test(`the receipts of both: ${name}`, async ({ lab, person }) => {
    // Two browsers draw and code without a graphics card here: a small, slow picture leaves them a processor that is
    // no trouble of its own.
    const machine = { link: "delay=10ms", fps: 8 };
    const pages = { host: await person("host", machine), guest: await person("guest", machine) };
    const both: Page[] = Object.values(pages);
    for (const page of both) await page.setViewportSize({ width: 480, height: 320 });
    await connect(pages.host, pages.guest);
    for (const page of both) await expectPicture(page);
    const cameras = !("cameras" in more);
    if (!cameras) for (const page of both) await page.getByRole("switch", { name: "Camera" }).click();
    const from = Date.now();
    await lab.do(strike);
    // That long the fault lasts: it is what is measured, not what is waited for.
    await expect.poll(() => Date.now() - from, { timeout: 2_000 * seconds }).toBeGreaterThan(1_000 * seconds);
    await lab.do(heal);
    if (cameras) for (const page of both) await expectPicture(page);
    await pages.guest.getByRole("button", { name: "Leave" }).click();
    for (const text of more.guest) await expect(pages.guest.getByText(text).first()).toBeVisible();
    await pages.host.getByRole("button", { name: "Leave" }).click();
    for (const text of more.host) await expect(pages.host.getByText(text).first()).toBeVisible();
  });
