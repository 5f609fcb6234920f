import { test as base, type BrowserContext, type BrowserContextOptions, type Page } from "@playwright/test";
import { Scene } from "./scene.ts";
import { startServer, type Server } from "./server.ts";

interface TestFixtures {
  /** Opens a page in a browser profile of its own: another person. */
  person: (options?: BrowserContextOptions) => Promise<Page>;
}

interface WorkerFixtures {
  server: Server;
}

/** Everybody in these tests comes from one address; a server counts new calls and connections by address. */
const oneAddress = { VISAVIS_LIMITS_CREATES_PER_MINUTE: "1000", VISAVIS_LIMITS_CONNECTS_PER_MINUTE: "1000" };

/** `test` with a real server (one per worker) and any number of people. */
export const test = base.extend<TestFixtures, WorkerFixtures>({
  server: [
    // Playwright reads the fixtures a function needs from its first parameter: none.
    // oxlint-disable-next-line no-empty-pattern
    async ({}, use) => {
      const server = await startServer({ env: oneAddress });
      await use(server);
      await server.stop();
    },
    { scope: "worker" },
  ],
  baseURL: async ({ server }, use) => use(server.url),
  person: async ({ browser, server }, use, info) => {
    const contexts: BrowserContext[] = [];
    const scene = new Scene();
    await use(async (options) => {
      const context = await browser.newContext({
        baseURL: server.url,
        permissions: ["camera", "microphone"],
        ...options,
      });
      contexts.push(context);
      const page = await context.newPage();
      scene.watch(page);
      return page;
    });
    await scene.keep(info);
    for (const context of contexts) await context.close();
  },
});

export { expect } from "@playwright/test";
