import type { Page } from "@playwright/test";
import { connect, enterAsHost, expectLive, expectPicture, knock } from "../support/call.ts";
import { expect, test } from "../support/fixtures.ts";

type Transport = "udp" | "tcp";

interface Pair {
  readonly local: string;
  readonly remote: string;
  readonly relayProtocol: string | undefined;
  readonly received: number;
}

declare global {
  interface Window {
    connections: RTCPeerConnection[];
  }
}

/** Lets the page reach the relay over one transport only, as a network that blocks the other does, and keeps its connections. */
async function only(page: Page, transport: Transport): Promise<void> {
  await page.addInitScript((wanted) => {
    window.connections = [];
    const allowed = (servers: RTCIceServer[]) =>
      servers.map((server) => ({
        ...server,
        urls: [server.urls].flat().filter((url) => !url.startsWith("turn") || url.endsWith(`transport=${wanted}`)),
      }));
    const reduced = (configuration: RTCConfiguration = {}): RTCConfiguration => ({
      ...configuration,
      iceServers: allowed(configuration.iceServers ?? []).filter(({ urls }) => urls.length > 0),
    });
    window.RTCPeerConnection = class extends RTCPeerConnection {
      constructor(configuration?: RTCConfiguration) {
        super(reduced(configuration));
        window.connections.push(this);
      }
      override setConfiguration(configuration?: RTCConfiguration): void {
        super.setConfiguration(reduced(configuration));
      }
    };
  }, transport);
}

/** The pair that media flows over, by the browser's own account. */
function selected(page: Page): Promise<Pair | null> {
  return page.evaluate(async () => {
    const live = window.connections.filter((connection) => connection.connectionState === "connected").at(-1);
    const stats = live && (await live.getStats());
    if (!stats) return null;
    const all = [...stats.values()];
    const transport = all.find((entry) => entry.type === "transport");
    const pair = stats.get(transport?.selectedCandidatePairId);
    const local = stats.get(pair?.localCandidateId);
    const remote = stats.get(pair?.remoteCandidateId);
    return {
      local: local?.candidateType,
      remote: remote?.candidateType,
      relayProtocol: local?.relayProtocol,
      received: pair?.bytesReceived,
    };
  });
}

async function expectRelayed(page: Page, transport: Transport): Promise<void> {
  const named = new RegExp(`^Relayed by 127\\.0\\.0\\.1 over ${transport.toUpperCase()}`);
  await expect(page.getByRole("button", { name: named })).toBeVisible();
  const pair = await selected(page);
  expect(pair).toMatchObject({ local: "relay", remote: "relay", relayProtocol: transport });
  await expectPicture(page);
  expect((await selected(page))?.received).toBeGreaterThan(pair?.received ?? Infinity);
}

for (const transport of ["udp", "tcp"] as const) {
  test(`a call whose link hides addresses goes over the relay, by ${transport}`, async ({ person }) => {
    const [host, guest] = [await person(), await person()];
    for (const page of [host, guest]) await only(page, transport);
    await host.goto("/new");
    await host.getByRole("switch", { name: "Hide internet addresses" }).click();
    await host.getByRole("button", { name: "Create the link" }).click();
    const link = await host.getByLabel("Link for your guest").inputValue();
    await host.getByRole("button", { name: "Open the lobby" }).click();
    await enterAsHost(host);
    await knock(guest, link);
    await host.getByRole("button", { name: "Admit" }).click();
    await Promise.all([expectLive(host), expectLive(guest)]);
    await Promise.all([expectRelayed(host, transport), expectRelayed(guest, transport)]);
    await guest.getByRole("button", { name: "Leave" }).click();
    await expect(guest.getByText(`Relayed by 127.0.0.1 over ${transport.toUpperCase()}, sealed`)).toBeVisible();
  });
}

test("one person who always wants the relay moves a direct call onto it", async ({ person }) => {
  const [host, guest] = [await person(), await person()];
  for (const page of [host, guest]) await only(page, "udp");
  await connect(host, guest);
  expect(await selected(guest)).toMatchObject({ local: expect.not.stringMatching("relay") });
  await guest.getByRole("button", { name: /^Direct over UDP/ }).click();
  await guest.getByRole("switch", { name: "Always relay" }).click();
  await Promise.all([expectRelayed(host, "udp"), expectRelayed(guest, "udp")]);
});
