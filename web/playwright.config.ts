import { defineConfig } from "@playwright/test";

/** Chromium of the system; the fake camera shows a moving pattern with beeps, the fake microphone beeps once a second. */
export default defineConfig({
  testDir: "e2e",
  outputDir: "e2e/results",
  globalSetup: "./e2e/support/build.ts",
  reporter: [["list"], ["./e2e/support/lastwords.ts"]],
  forbidOnly: true,
  retries: 0, // a flake is a bug
  workers: 1, // each test runs two browsers' worth of encoders
  timeout: 150_000, // ends what hangs; a busy machine is slow, not wrong
  expect: { timeout: 20_000 },
  use: {
    browserName: "chromium",
    permissions: ["camera", "microphone"],
    launchOptions: {
      executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
      args: ["--no-sandbox", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"],
    },
    trace: "retain-on-failure",
  },
});
