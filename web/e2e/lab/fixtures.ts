import { test as base, type Page } from "@playwright/test";
import { Lab, obstacle, required } from "../../bench/lab.mjs";
import { NativeParty, type Place } from "../native/cli.ts";
import { watchConnections } from "./stats.ts";

interface Options {
  /** Options of the server's line. */
  serverLink: string;
}

interface Fixtures {
  /** A network of its own for each test, with a server in it. */
  lab: Lab;
  /** Opens the page on a new machine of the lab. `link`: options of its line (docs/lab.md). */
  person: (node: string, options?: { link?: string; speech?: string; fps?: number }) => Promise<Page>;
  /** A new machine of the lab with a terminal. */
  place: (node: string) => Promise<Place>;
  /** Takes part from a terminal. */
  terminal: (place: Place, link: string, ...args: string[]) => NativeParty;
}

interface WorkerFixtures {
  obstacle: string;
}

/** `test` in the network lab. Where there can be none it is skipped, or fails if it must not be skipped. */
export const test = base.extend<Fixtures & Options, WorkerFixtures>({
  serverLink: ["", { option: true }],
  obstacle: [
    // Playwright reads the fixtures a function needs from its first parameter: none.
    // oxlint-disable-next-line no-empty-pattern
    async ({}, use) => use(obstacle()),
    { scope: "worker" },
  ],
  lab: async ({ obstacle, serverLink }, use, info) => {
    if (obstacle && required) throw new Error(obstacle);
    info.setTimeout(180_000); // bad lines take their time
    info.skip(obstacle !== "", obstacle);
    const lab = new Lab();
    try {
      await lab.do(`node server ${serverLink}`);
      await lab.do("server start");
      await use(lab);
    } finally {
      await lab.stop();
    }
  },
  person: async ({ lab }, use) => {
    const { url } = await lab.do("server url");
    await use(async (node, options) => {
      const browser = await lab.browser(node, options);
      const context = await browser.newContext({
        baseURL: url ?? "",
        ignoreHTTPSErrors: true, // the lab's certificate is its own
        permissions: ["camera", "microphone"],
        locale: "en-US",
        bypassCSP: true, // tests listen with an audio worklet
      });
      await context.addInitScript(watchConnections);
      return context.newPage();
    });
  },
  place: async ({ lab }, use) => {
    const { cert = "" } = await lab.do("server url");
    await use(async (node) => {
      const { namespace = "" } = await lab.do(`node ${node}`);
      return { namespace, cert };
    });
  },
  terminal: async ({ lab }, use) => {
    void lab; // is taken down later
    const parties: NativeParty[] = [];
    await use((place, link, ...args) => {
      const party = new NativeParty(link, args, place);
      parties.push(party);
      return party;
    });
    for (const party of parties) await party.stop();
  },
});

export { expect } from "@playwright/test";
