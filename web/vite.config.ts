import { readFileSync } from "node:fs";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";
import { quietRuntime } from "./scripts/quiet.mjs";

const { version } = JSON.parse(readFileSync(new URL("package.json", import.meta.url), "utf8")) as { version: string };

export default defineConfig({
  plugins: [svelte()],
  define: { __APP_VERSION__: JSON.stringify(version) },
  build: {
    target: ["chrome111", "firefox121", "safari16.4"],
    sourcemap: false,
    // The polyfill would be an inline script, which our content security policy forbids.
    modulePreload: { polyfill: false },
    // Data URLs would need more than 'self' in the policy, and cannot be cached apart.
    assetsInlineLimit: 0,
    rolldownOptions: {
      input: { main: "index.html" },
      output: {
        entryFileNames: "assets/[name]-[hash].js",
        chunkFileNames: "assets/[name]-[hash].js",
        assetFileNames: "assets/[name]-[hash][extname]",
      },
    },
  },
  worker: { plugins: () => [quietRuntime()] },
  server: { proxy: { "/ws": { target: "http://localhost:8080", ws: true } } },
});
