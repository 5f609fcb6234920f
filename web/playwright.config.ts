import { defineConfig } from "@playwright/test";

/** What is tested without media on its way between two. */
const pages = [
  "e2e/home.spec.ts",
  "e2e/newcall.spec.ts",
  "e2e/lobby.spec.ts",
  "e2e/token.spec.ts",
  "e2e/code.spec.ts",
].map((path) => `**/${path}`);

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
  expect: { timeout: 45_000 }, // slow, not wrong, here too
  // Pages alone have time: two at once. Calls have not.
  projects: [
    { name: "pages", testMatch: pages },
    { name: "calls", testIgnore: pages },
  ],
  use: {
    browserName: "chromium",
    permissions: ["camera", "microphone"],
    launchOptions: {
      executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
      // Without a graphics card an emulated one costs more than none, and two browsers code every picture by processor:
      // 12 a second instead of 20 leave a slow machine some for what is tested.
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream=fps=12",
      ],
    },
    // Recording takes a third of the processor from the two who call: TRACE=1 when something is to be found.
    trace: process.env["TRACE"] ? "retain-on-failure" : "off",
  },
});
