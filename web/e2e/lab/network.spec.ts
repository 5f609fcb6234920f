import type { Page } from "@playwright/test";
import { connect, enterAsHost, expectPicture, knock, loudness, startCall } from "../support/call.ts";
import { expect, test } from "./fixtures.ts";
import { flow, received } from "./stats.ts";

/**
 * The page names the path that its browser uses. Which of two that work it takes, UDP or TCP, is the browser's choice: on a
 * busy machine the one that answers first.
 */
async function expectNamed(page: Page, kind: "Direct" | "Relayed", over: RegExp): Promise<void> {
  const badge = page.getByRole("button", { name: /^Direct|^Relayed/ });
  const facts = async () => {
    const { path, into } = await received(page);
    const said = /^(Direct|Relayed)(?: by \S+)? over (UDP|TCP|TLS)/.exec((await badge.textContent())?.trim() ?? "");
    const used = [path.startsWith("relay") ? "Relayed" : "Direct", (into || "udp").toUpperCase()];
    return { said: said?.slice(1), as: `${used}` === `${said?.slice(1)}` ? "used" : used };
  };
  await expect.poll(facts).toEqual({ said: [kind, expect.stringMatching(over)], as: "used" });
}

/** The panel of who can see what says how this device is connected. */
async function expectSaid(page: Page, over: string): Promise<void> {
  await page.keyboard.press("i");
  await expect(page.getByText(over).first()).toBeVisible();
  await page.keyboard.press("i");
}

test("a call across the ocean: 100 ms there and back, with jitter", async ({ person }) => {
  const link = "delay=25ms jitter=4ms";
  const [host, guest] = await Promise.all([person("host", { link }), person("guest", { link })]);
  await connect(host, guest);
  for (const page of [host, guest]) {
    await expectPicture(page);
    expect(await loudness(page)).toBeGreaterThan(0.05);
    await expectNamed(page, "Direct", /^UDP$/);
  }
});

test.describe("the server behind a 1:1 NAT", () => {
  test.use({ serverLink: "nat=one-to-one" });

  test("two symmetric NATs: through the server, which has only a private address itself", async ({ person }) => {
    const link = "nat=symmetric";
    const [host, guest] = await Promise.all([person("host", { link }), person("guest", { link })]);
    await connect(host, guest);
    for (const page of [host, guest]) {
      await expect(page.getByRole("button", { name: /^Relayed by 198\.18\./ })).toBeVisible();
      await expectPicture(page);
      await expectNamed(page, "Relayed", /./);
    }
  });
});

test("nothing but TCP to port 443: through the server, and the page says over what", async ({ person }) => {
  const link = "nat=port-restricted firewall=only-tcp:443";
  const [host, guest] = await Promise.all([person("host"), person("guest", { link })]);
  await connect(host, guest);
  for (const page of [host, guest]) await expectPicture(page);
  await expectNamed(guest, "Relayed", /^(TCP|TLS)$/);
  await expectNamed(host, "Relayed", /./); // it may use UDP: each page names its own part of the way
  const over = (await received(guest)).into.toUpperCase();
  await expectSaid(guest, `over ${over}`);
  expect(await loudness(guest)).toBeGreaterThan(0.05);
  await guest.getByRole("button", { name: "Leave" }).click();
  await expect(guest.getByText(new RegExp(`^Relayed by \\S+ over ${over}, sealed`))).toBeVisible();
});

test("nothing but port 443 for both: through the server, and the page says over what", async ({ person }) => {
  const link = "nat=port-restricted firewall=only:443";
  const [host, guest] = await Promise.all([person("host", { link }), person("guest", { link })]);
  await connect(host, guest);
  for (const page of [host, guest]) {
    await expectPicture(page);
    await expectNamed(page, "Relayed", /./);
  }
});

test.describe("the server has IPv6 only", () => {
  test.use({ serverLink: "family=6" });

  test("IPv6 on both sides: directly, and the page says so", async ({ person }) => {
    const link = "family=6";
    const [host, guest] = await Promise.all([person("host", { link }), person("guest", { link })]);
    await connect(host, guest);
    for (const page of [host, guest]) {
      await expectPicture(page);
      await expectNamed(page, "Direct", /^UDP$/);
      await expectSaid(page, "over UDP, IPv6");
    }
  });
});

test("IPv4 here, IPv6 there: through the server, which has both", async ({ lab, person }) => {
  const [host, guest] = await Promise.all([
    person("host", { link: "family=4" }),
    person("guest", { link: "family=6" }),
  ]);
  const server = (await lab.status()).find((link) => link.node === "server");
  const address = server?.addresses.find((a) => a.includes(":")) ?? "";
  const link = new URL(await startCall(host));
  link.hostname = `[${address}]`; // there are no names in the lab
  await enterAsHost(host);
  await knock(guest, link.href);
  await host.getByRole("button", { name: "Admit" }).click();
  await expect(host.getByRole("button", { name: /^Relayed by 198\.18\./ })).toBeVisible();
  await expect(guest.getByRole("button", { name: /^Relayed by \[2001:2:/ })).toBeVisible();
  for (const page of [host, guest]) {
    await expectPicture(page);
    await expectNamed(page, "Relayed", /./);
  }
});

test("150 kbit/s each way: the sound goes on, the picture gives way", async ({ lab, person }) => {
  const [host, guest] = await Promise.all([person("host"), person("guest")]);
  await connect(host, guest);
  await expectPicture(guest);
  await lab.do("link guest rate=150k queue=24k");
  const settled = async (page: Page) => {
    const { audio, video, fps, concealed } = await flow(page, 5000);
    return { whole: concealed < 0.05, fits: video + audio < 150, moves: fps > 1 };
  };
  for (const page of [host, guest]) {
    // How soon is for bench-weather: it depends on what else the machine does.
    await expect.poll(() => settled(page), { timeout: 60_000 }).toEqual({ whole: true, fits: true, moves: true });
  }
});
