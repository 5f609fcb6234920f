// make bench-bursts: how a browser's packets come to the relay. Two Chromium processes make a relayed call on this machine, with
// tcpdump at the server's port, once with pictures of at most 360 lines and once with at most 720. Packets of one party that
// follow each other in less than a millisecond are a burst. It is where `visavis bench relay --burst` has its default from.
// Root, tcpdump. The last line is one JSON object.
//   SECONDS=15    of each call that count
import { chromium } from "@playwright/test";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { bursts, sentTo } from "./capture.mjs";
import { lobby } from "./parties.mjs";

const SECONDS = Number(process.env.SECONDS ?? 15);
const SETTLE_MS = 12_000; // the bitrate has risen
const GAP = 1000; // µs
const root = new URL("../..", import.meta.url).pathname;

/** Runs in the page: no sender exceeds so many lines, of a camera of 720. */
const limit = (lines) => {
  window.connections = [];
  const Native = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Native {
    constructor(...args) {
      super(...args);
      window.connections.push(this);
    }
  };
  const set = RTCRtpSender.prototype.setParameters;
  RTCRtpSender.prototype.setParameters = function (parameters, ...rest) {
    if (this.track?.kind === "video" && lines < 720)
      for (const e of parameters.encodings) {
        e.scaleResolutionDownBy = Math.max(e.scaleResolutionDownBy ?? 1, 720 / lines);
        e.maxBitrate = Math.min(e.maxBitrate ?? Infinity, 600_000);
      }
    return set.call(this, parameters, ...rest);
  };
};

/** What the page sends, and whether it goes over the relay. */
const state = (page) =>
  page.evaluate(async () => {
    const stats = await window.connections.find((c) => c.connectionState === "connected").getStats();
    const all = [...stats.values()];
    const video = all.find((s) => s.type === "outbound-rtp" && s.kind === "video");
    const pair = stats.get(all.find((s) => s.type === "transport").selectedCandidatePairId);
    return {
      lines: video.frameHeight,
      frames: video.framesSent,
      bytes: video.bytesSent,
      path: stats.get(pair.localCandidateId).candidateType,
    };
  });

async function call(browsers, url, port, lines, file) {
  const pages = [];
  for (const b of browsers) {
    const context = await b.newContext({ permissions: ["camera", "microphone"], locale: "en-US" });
    await context.addInitScript(limit, lines);
    pages.push(await context.newPage());
  }
  try {
    await (await lobby(...pages, url, true)).click();
    for (const page of pages) await page.getByRole("button", { name: /^Relayed/ }).waitFor();
    await pages[0].waitForTimeout(SETTLE_MS);
    const dump = spawn("tcpdump", ["-i", "lo", "-s", "96", "-U", "-w", file, `udp dst port ${port}`], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    await once(dump.stderr, "data"); // it says that it listens
    const before = await Promise.all(pages.map(state));
    await pages[0].waitForTimeout(SECONDS * 1000);
    const after = await Promise.all(pages.map(state));
    dump.kill("SIGINT");
    await once(dump, "exit");
    return {
      path: after[0].path,
      lines: after.map((s) => s.lines),
      fps: after.map((s, i) => Math.round((s.frames - before[i].frames) / SECONDS)),
      kbps: after.map((s, i) => Math.round(((s.bytes - before[i].bytes) * 8) / 1000 / SECONDS)),
    };
  } finally {
    await Promise.all(pages.map((page) => page.context().close()));
  }
}

const quantile = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];

/** How the packets of one kind, or of all, are spread. */
function spread(packets) {
  const all = bursts(packets, GAP);
  const sizes = all.map((b) => b.length);
  const byPacket = sizes.flatMap((n) => Array(n).fill(n)).sort((a, b) => a - b);
  const within = all.flatMap((b) => b.slice(1).map((p, i) => p.at - b[i].at)).sort((a, b) => a - b);
  const histogram = {};
  for (const n of sizes) histogram[n] = (histogram[n] ?? 0) + 1;
  return {
    packets: packets.length,
    bytes: Math.round(packets.reduce((sum, p) => sum + p.size, 0) / Math.max(packets.length, 1)),
    bursts: all.length,
    mean: Number((packets.length / Math.max(all.length, 1)).toFixed(2)),
    median_of_bursts: quantile(
      sizes.toSorted((a, b) => a - b),
      0.5,
    ),
    median_of_packets: quantile(byPacket, 0.5), // the size of the burst that the median packet is part of
    gap_within_us: quantile(within, 0.5),
    histogram,
  };
}

async function main() {
  const data = mkdtempSync(join(tmpdir(), "visavis-bench-"));
  const env = { ...process.env, VISAVIS_LIMITS_CREATES_PER_MINUTE: "10000" };
  const args = ["serve", "--listen", "127.0.0.1:0", "--data", data, "--metrics", ""];
  const server = spawn(join(root, "bin/visavis"), args, { cwd: root, stdio: ["pipe", "pipe", "ignore"], env });
  const browsers = [];
  try {
    const { value = "" } = await createInterface({ input: server.stdout })[Symbol.asyncIterator]().next();
    const url = value.match(/https?:\/\/[\w.:[\]-]+/)?.[0];
    if (!url) throw new Error(`the server said ${value}`);
    const flags = [
      "--no-sandbox",
      "--disable-gpu",
      "--use-fake-ui-for-media-stream",
      "--use-fake-device-for-media-stream=fps=30",
    ];
    for (let i = 0; i < 2; i++)
      browsers.push(
        await chromium.launch({
          executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
          args: [...flags, "--autoplay-policy=no-user-gesture-required"],
        }),
      );
    const result = {};
    for (const lines of [360, 720]) {
      const file = join(data, `${lines}.pcap`);
      const sent = await call(browsers, url, Number(new URL(url).port), lines, file);
      const packets = sentTo(file, Number(new URL(url).port));
      const of = (kind) => spread(packets.filter((p) => p.kind === kind));
      result[lines] = { ...sent, picture: of("picture"), sound: of("sound"), all: spread(packets) };
      console.log(
        `at most ${lines} lines, each side: ${sent.lines} lines, ${sent.fps} frames/s, ${sent.kbps} kbit/s (${sent.path})`,
      );
      for (const kind of ["picture", "sound", "all"])
        console.log(`  ${kind.padEnd(8)}${JSON.stringify(result[lines][kind])}`);
    }
    console.log(JSON.stringify(result));
  } finally {
    await Promise.all(browsers.map((b) => b.close()));
    server.kill("SIGTERM");
    rmSync(data, { recursive: true, force: true });
  }
}

await main();
