import { connect, enterAsHost, expectLive, knock, startCall } from "./support/call.ts";
import { expect, test } from "./support/fixtures.ts";

test("names and messages are text, whatever is in them", async ({ person }) => {
  const [host, guest] = [await person(), await person()];
  const violations: string[] = [];
  for (const page of [host, guest])
    page.on("console", (message) => {
      if (/Content Security Policy|TrustedHTML/.test(message.text())) violations.push(message.text());
    });
  const link = await startCall(host);
  await enterAsHost(host);
  await knock(guest, link, "<img src=x onerror=alert(1)>\u202Enimda");
  await expect(host.getByText("<img src=x onerror=alert(1)>nimda").first()).toBeVisible();
  await host.getByRole("button", { name: "Admit" }).click();
  await Promise.all([expectLive(host), expectLive(guest)]);
  await guest.getByRole("button", { name: /^Chat/ }).click();
  await guest.getByRole("textbox").fill("<b>x</b> javascript:alert(1) https://elsewhere.example/");
  await guest.keyboard.press("Enter");
  await host.getByRole("button", { name: /^Chat/ }).click();
  await expect(host.getByText("<b>x</b> javascript:alert(1)").first()).toBeVisible();
  expect(await host.locator("a[href^='javascript:'], img[src='x']").count()).toBe(0);
  expect(violations).toEqual([]);
});

test("A45 a file is bytes under a name, whatever is in either; a huge message is not taken", async ({ person }) => {
  const [host, guest] = [await person(), await person()];
  const ran: string[] = [];
  host.on("dialog", (d) => (ran.push(d.message()), void d.dismiss()));
  await guest.addInitScript(() => {
    const channels: RTCDataChannel[] = [];
    Object.assign(globalThis, { channels });
    const { prototype } = RTCPeerConnection;
    const create = prototype.createDataChannel as (label: string, init?: RTCDataChannelInit) => RTCDataChannel;
    prototype.createDataChannel = function (this: RTCPeerConnection, label, init) {
      const channel = create.call(this, label, init);
      if (label === "ctl") channels.push(channel);
      return channel;
    };
  });
  await connect(host, guest);
  const script = `<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(2)</script></svg>`;
  await guest.getByRole("button", { name: /^Chat/ }).click();
  await guest.locator("input[type=file]").setInputFiles({
    name: "<img src=x onerror=alert(3)>.svg",
    mimeType: "image/svg+xml",
    buffer: Buffer.from(script),
  });
  await host.getByRole("button", { name: /^Chat/ }).click();
  await expect(host.getByText("_img src=x onerror=alert(3)_.svg").first()).toBeVisible();
  await host.getByRole("button", { name: "Accept" }).click();
  await expect(host.getByRole("log").getByText("arrived and checked")).toBeVisible();
  await expect(host.locator("img[src='x'], [src^='blob:'], object, embed, iframe")).toHaveCount(0);
  expect(ran).toEqual([]);

  const refused = await guest.evaluate(() => {
    const { channels } = globalThis as unknown as { channels: RTCDataChannel[] };
    const channel = channels.find(({ readyState }) => readyState === "open"); // not that of the connection on standby
    try {
      channel?.send(new ArrayBuffer(1 << 30)); // more than the host's description allows
      return "";
    } catch (error) {
      channel?.send(new ArrayBuffer(1 << 18)); // just as much, and nothing that was sealed
      return String(error);
    }
  });
  expect(refused).not.toBe("");
  await expect(host.locator("video[aria-label^='Picture of']")).toHaveCount(0); // the call is over, the page is not
  await expect(host.getByRole("heading").first()).toBeVisible();
});

test("another link does not take the place of a call that is going on", async ({ person }) => {
  const [host, guest, third] = [await person(), await person(), await person()];
  const other = await startCall(third);
  await connect(host, guest);
  await guest.evaluate((hash) => (location.hash = hash), new URL(other).hash);
  await expect(guest.getByText("Open another link in another tab.").first()).toBeVisible();
  expect(new URL(guest.url()).hash).toBe("");
  await Promise.all([expectLive(host), expectLive(guest)]);
  await guest.reload();
  await Promise.all([expectLive(host), expectLive(guest)]);
});
