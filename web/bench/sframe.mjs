// make bench-sframe: what the encryption of every frame costs (SFrame in a worker, docs/protocol.md), in two Chromium
// processes on this machine: processor time of all their threads, and bytes for each frame. The same call without it, of
// a guest whose browser cannot do it, alternates within the run. The last line is one JSON object.
//   RUNS=3        calls of each kind
//   SECONDS=10    of each call that count
import { chromium } from "@playwright/test";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { lobby } from "./parties.mjs";
import { processorSeconds } from "./processor.mjs";

const RUNS = Number(process.env.RUNS ?? 3);
const SECONDS = Number(process.env.SECONDS ?? 10);
const SETTLE_MS = 5000; // bitrates have risen
const root = new URL("../..", import.meta.url).pathname;

/** What this page has sent so far. */
const sent = (page) =>
  page.evaluate(async () => {
    const stats = [...(await window.connections.find((c) => c.connectionState === "connected").getStats()).values()];
    const out = (kind) => stats.find((s) => s.type === "outbound-rtp" && s.kind === kind);
    const [audio, video] = [out("audio"), out("video")];
    return {
      audioBytes: audio.bytesSent,
      audioPackets: audio.packetsSent,
      videoBytes: video.bytesSent,
      frames: video.framesSent,
    };
  });

/** One call: what a second of it costs. */
async function once(browsers, url, encrypted) {
  const pages = await Promise.all(
    browsers.map(async (b, i) => {
      const context = await b.newContext({ permissions: ["camera", "microphone"], locale: "en-US" });
      await context.addInitScript(
        (plain) => {
          if (plain) delete window.RTCRtpScriptTransform;
          window.connections = [];
          const Native = window.RTCPeerConnection;
          window.RTCPeerConnection = class extends Native {
            constructor(...args) {
              super(...args);
              window.connections.push(this);
            }
          };
        },
        !encrypted && i === 1,
      );
      return context.newPage();
    }),
  );
  try {
    const [host, guest] = pages;
    await (await lobby(host, guest, url)).click();
    for (const page of pages) await page.getByRole("button", { name: /^Direct|^Relayed/ }).waitFor();
    await host.waitForTimeout(SETTLE_MS);
    const [before, cpu] = [await sent(host), processorSeconds()];
    const from = performance.now();
    await host.waitForTimeout(SECONDS * 1000);
    const [after, used] = [await sent(host), processorSeconds() - cpu];
    const seconds = (performance.now() - from) / 1000;
    const audioPackets = after.audioPackets - before.audioPackets;
    return {
      cores: used / seconds,
      fps: (after.frames - before.frames) / seconds,
      audioBytes: (after.audioBytes - before.audioBytes) / audioPackets,
      videoKbps: ((after.videoBytes - before.videoBytes) * 8) / 1000 / seconds,
    };
  } finally {
    await Promise.all(pages.map((page) => page.context().close()));
  }
}

const mean = (rows, key) => rows.reduce((sum, row) => sum + row[key], 0) / rows.length;

async function main() {
  const data = mkdtempSync(join(tmpdir(), "visavis-bench-"));
  const env = {
    ...process.env,
    VISAVIS_LIMITS_CONNECTS_PER_MINUTE: "10000",
    VISAVIS_LIMITS_CREATES_PER_MINUTE: "10000",
  };
  const args = ["serve", "--listen", "127.0.0.1:0", "--data", data, "--metrics", ""];
  const server = spawn(join(root, "bin/visavis"), args, { cwd: root, stdio: ["pipe", "pipe", "ignore"], env });
  const browsers = [];
  try {
    const lines = createInterface({ input: server.stdout })[Symbol.asyncIterator]();
    const { value = "" } = await lines.next();
    const url = value.match(/https?:\/\/[\w.:[\]-]+/)?.[0];
    if (!url) throw new Error(`the server said ${value}`);
    for (let i = 0; i < 2; i++)
      browsers.push(
        await chromium.launch({
          executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
          args: [
            "--no-sandbox",
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            "--autoplay-policy=no-user-gesture-required",
          ],
        }),
      );
    const rows = { on: [], off: [] };
    for (let run = 0; run < RUNS; run++)
      for (const kind of ["on", "off"]) {
        const row = await once(browsers, url, kind === "on");
        rows[kind].push(row);
        const { cores, fps, audioBytes, videoKbps } = row;
        console.error(
          `${kind.padEnd(3)} ${cores.toFixed(2)} cores, ${fps.toFixed(1)} frames/s, ${videoKbps.toFixed(0)} kbit/s, ${audioBytes.toFixed(1)} bytes a packet of sound`,
        );
      }
    report(rows);
  } finally {
    await Promise.all(browsers.map((b) => b.close()));
    server.kill("SIGTERM");
    rmSync(data, { recursive: true, force: true });
  }
}

function report({ on, off }) {
  const overhead = mean(on, "audioBytes") - mean(off, "audioBytes");
  if (overhead < 16) throw new Error("frames were not encrypted: a packet of sound is no larger");
  const [cores, plain] = [mean(on, "cores"), mean(off, "cores")];
  const fps = mean(on, "fps");
  console.log("both browsers, both directions:   cores   frames/s sent   video kbit/s");
  for (const [name, rows] of Object.entries({ "frames encrypted": on, without: off }))
    console.log(
      `${name.padEnd(31)}${mean(rows, "cores").toFixed(2).padStart(8)}${mean(rows, "fps").toFixed(1).padStart(16)}${mean(rows, "videoKbps").toFixed(0).padStart(15)}`,
    );
  console.log(
    JSON.stringify({
      runs: on.length,
      cores_encrypted: Number(cores.toFixed(3)),
      cores_plain: Number(plain.toFixed(3)),
      ratio_cpu: Number((cores / plain).toFixed(3)),
      bytes_per_frame: Number(overhead.toFixed(1)),
      audio_kbps: Number(((overhead * 50 * 8) / 1000).toFixed(1)),
      video_kbps: Number(((overhead * fps * 8) / 1000).toFixed(1)),
    }),
  );
}

await main();
