// make bench-call: how long from the host's click on "Admit" to the first remote frame and the first remote sound, in
// two Chromium processes, beside a bare page that does nothing but connect two RTCPeerConnections (the floor). Floor,
// visavis and a relayed call alternate within the run. The last line is one JSON object.
//   RUNS=20    rounds that count (12)
//   TRACE=1    also when each step of the connection was reached
import { chromium } from "@playwright/test";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { floor, visavis } from "./parties.mjs";
import { report, trace } from "./report.mjs";

const RUNS = Number(process.env.RUNS ?? 12);
const WARMUP = 1; // the first round pays for cold caches on all sides and is not counted
const root = new URL("../..", import.meta.url).pathname;
const owned = []; // what this run started, ended in reverse order

/** Starts a program and resolves with the URL in its first line. */
async function start(command, args) {
  // A server's settings are in these variables: everybody here comes from one address.
  const env = {
    ...process.env,
    VISAVIS_LIMITS_CONNECTS_PER_MINUTE: "10000",
    VISAVIS_LIMITS_CREATES_PER_MINUTE: "10000",
  };
  const child = spawn(command, args, { cwd: root, stdio: ["pipe", "pipe", "ignore"], env });
  owned.push(() => new Promise((done) => (child.once("exit", done), child.stdin.end(), child.kill("SIGTERM"))));
  const lines = createInterface({ input: child.stdout });
  return new Promise((resolve, reject) => {
    lines.on("line", (line) => {
      const url = line.match(/https?:\/\/[\w.:[\]-]+/)?.[0];
      if (url) resolve(url);
    });
    child.once("error", reject);
    child.once("exit", () => reject(new Error(`${command} ended before it said its URL`)));
  });
}

async function browser() {
  const b = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--use-fake-ui-for-media-stream",
      "--use-fake-device-for-media-stream",
      "--autoplay-policy=no-user-gesture-required",
    ],
  });
  owned.push(() => b.close());
  return b;
}

async function main() {
  const data = mkdtempSync(join(tmpdir(), "visavis-bench-"));
  owned.push(() => rmSync(data, { recursive: true, force: true }));
  const floorURL = await start("go", ["run", "./test/floor"]);
  const url = await start("bin/visavis", ["serve", "--listen", "127.0.0.1:0", "--data", data, "--metrics", ""]);
  const browsers = [await browser(), await browser()];
  const rows = { floor: [], visavis: [], relayed: [] };
  const load = loadavg()[0];
  for (let i = 0; i < RUNS + WARMUP; i++) {
    const round = {
      floor: await floor(floorURL, browsers, i),
      visavis: await visavis(url, browsers),
      relayed: await visavis(url, browsers, { relayed: true }),
    };
    if (i < WARMUP) continue;
    for (const kind of Object.keys(rows)) rows[kind].push(round[kind]);
  }
  if (process.env.TRACE) trace(rows);
  report(rows, load);
}

try {
  await main();
} finally {
  for (const end of owned.reverse()) await end();
}
