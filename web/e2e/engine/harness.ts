import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Page } from "@playwright/test";
import { build, type Plugin } from "vite";
import { test as base } from "../support/fixtures.ts";

/** Where the page finds the worker that encrypts frames. */
const workerPath = "/engine-worker.js";
const workerSource = "worker.ts?worker&url";

/** In place of the addresses that the bundler would make for the app. The other worker is the app's own: it needs its files. */
const workerAddress: Plugin = {
  name: "worker-address",
  enforce: "pre",
  resolveId: (id) => /(vision)?worker\.ts\?worker&url$/.exec(id)?.[0].replace(/^/, "\0"),
  load(id) {
    if (!id.startsWith("\0") || !id.endsWith(workerSource)) return undefined;
    return `export default ${JSON.stringify(id.includes("vision") ? visionWorker() : workerPath)}`;
  },
};

function visionWorker(): string {
  const dist = fileURLToPath(new URL("../../dist/assets", import.meta.url));
  const name = readdirSync(dist).find((file) => /^visionworker-.*\.js$/.test(file));
  if (!name) throw new Error("the app is not built");
  return `/assets/${name}`;
}

/** A module and all that it imports as one script. */
async function bundle(file: string): Promise<string> {
  const result = await build({
    configFile: false,
    logLevel: "error",
    plugins: [workerAddress],
    build: {
      write: false,
      minify: false,
      target: "esnext",
      lib: { entry: fileURLToPath(new URL(file, import.meta.url)), formats: ["iife"], name: "page" },
      rolldownOptions: { output: { codeSplitting: false } },
    },
  });
  const [output] = Array.isArray(result) ? result : [result];
  if (!output || !("output" in output)) throw new Error("vite gave no bundle");
  return output.output[0].code;
}

interface Scripts {
  readonly page: string;
  readonly worker: string;
}

/**
 * `party` opens pages that carry the engine alone, at the common server or at another: put into a real answer of the
 * server, because Chromium keeps pages of unknown origin away from loopback.
 */
export const test = base.extend<{ party: (at?: string) => Promise<Page> }, { scripts: Scripts }>({
  scripts: [
    // oxlint-disable-next-line no-empty-pattern
    async ({}, use) =>
      use({ page: await bundle("page.ts"), worker: await bundle("../../src/engine/sframe/worker.ts") }),
    { scope: "worker" },
  ],
  party: async ({ person, scripts, server }, use) => {
    await use(async (at = server.url) => {
      const page = await person();
      await page.addInitScript({ content: scripts.page });
      // What a page with our policies may run (COEP).
      const headers = { "Content-Type": "text/javascript", "Cross-Origin-Embedder-Policy": "require-corp" };
      await page.route(`**${workerPath}`, (route) => route.fulfill({ headers, body: scripts.worker }));
      page.on("pageerror", (error) => console.error("page error:", error));
      page.on("console", (m) => (m.type() === "error" ? console.error("console:", m.text()) : undefined));
      await page.goto(`${at}/healthz`);
      return page;
    });
  },
});

export { expect } from "@playwright/test";
