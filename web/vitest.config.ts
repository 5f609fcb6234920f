import { defineConfig } from "vitest/config";

// Kept apart from vite.config.ts: unit tests need neither Svelte nor the app's plugins.
export default defineConfig({
  test: {
    environment: "node",
    include: ["src/**/*.test.ts"],
  },
});
