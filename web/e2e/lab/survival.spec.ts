import { connect, decodedFrames, expectPicture, loudness } from "../support/call.ts";
import { expect, test } from "./fixtures.ts";
import { received } from "./stats.ts";

/** Sooner than the browser alone, which says "failed" after 17 s; how soon is measured by make bench-recovery. */
const BACK_MS = 12_000;

test("the direct path dies: the call goes on through the server", async ({ lab, person }) => {
  const [host, guest] = await Promise.all([
    person("host", { link: "delay=25ms" }),
    person("guest", { link: "delay=25ms" }),
  ]);
  await connect(host, guest);
  await expectPicture(guest);
  expect((await received(guest)).path).not.toMatch(/^relay/);
  await lab.do("cut host guest");
  await expect.poll(async () => (await received(guest)).path, { timeout: BACK_MS }).toMatch(/^relay/);
  for (const page of [host, guest]) await expectPicture(page);
  expect(await loudness(guest)).toBeGreaterThan(0.05);
});

test("the server is killed: nothing is missed, and when it is back the call can move", async ({ lab, person }) => {
  const [host, guest] = await Promise.all([person("host"), person("guest")]);
  await connect(host, guest);
  await expectPicture(guest);
  await lab.do("server kill");
  const before = await received(guest);
  await expect.poll(async () => (await received(guest)).frames - before.frames).toBeGreaterThan(60);
  const after = await received(guest);
  expect((after.concealed - before.concealed) / (after.samples - before.samples)).toBeLessThan(0.05);
  await lab.do("server start");
  await lab.do("cut host guest");
  await expect.poll(async () => (await received(guest)).path, { timeout: BACK_MS }).toMatch(/^relay/);
  for (const page of [host, guest]) await expectPicture(page);
});

test("from Wi-Fi to mobile: another interface, another address, the same call", async ({ lab, person }) => {
  const wifi = "if=wlan0 nat=port-restricted delay=10ms";
  const [host, guest] = await Promise.all([person("host", { link: wifi }), person("guest", { link: wifi })]);
  await connect(host, guest);
  await expectPicture(host);
  await lab.do("switch guest if=wwan0 nat=port-restricted delay=30ms");
  for (const page of [host, guest]) {
    const before = await decodedFrames(page);
    await expect.poll(async () => (await decodedFrames(page)) - before, { timeout: 60_000 }).toBeGreaterThan(60);
  }
});

test("two interfaces, and the one in use falls silent with the server dead: the other carries on", async ({
  lab,
  person,
}) => {
  const wifi = "if=wlan0 delay=25ms";
  const [host, guest] = await Promise.all([person("host", { link: wifi }), person("guest", { link: wifi })]);
  await lab.do("attach guest if=wwan1 delay=25ms");
  await connect(host, guest);
  await expectPicture(guest);
  const asleep = () =>
    guest.evaluate(() => {
      const { connections } = window as unknown as { connections: RTCPeerConnection[] };
      return connections.filter((c) => c.connectionState === "new" && c.iceGatheringState === "complete").length;
    });
  await expect.poll(asleep).toBe(1);
  await lab.do("server kill");
  const { path } = await received(guest);
  const links = (await lab.status()) as { node: string; interface: string; addresses: string[] }[];
  const used = links.find(({ node, addresses }) => node === "guest" && addresses.some((a) => path.includes(a)));
  await lab.do(`link guest/${used?.interface} down`);
  await expect.poll(async () => (await received(guest)).path, { timeout: BACK_MS }).not.toBe(path);
  for (const page of [host, guest]) await expectPicture(page);
});
