// make bench-effects: what a blurred background costs, and how well it is cut out. Two Chromium processes on this machine in a
// call; the guest's camera is a film of the photograph, the host only looks. In the same call, in turns, with the blur and without.
// The last line is one JSON object.
//   RUNS=2        turns
//   SECONDS=10    of each that count
import { chromium } from "@playwright/test";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { BackgroundTab, slowsNothing } from "./backgroundtab.mjs";
import { lobby } from "./parties.mjs";
import { film, view } from "./portraitfile.mjs";
import { processorSeconds } from "./processor.mjs";
import { silhouette } from "./silhouette.mjs";

const RUNS = Number(process.env.RUNS ?? 2);
const SECONDS = Number(process.env.SECONDS ?? 10);
const SETTLE_MS = 5000;
const SIZES = [
  { width: 640, height: 360 },
  { width: 1280, height: 720 },
];
const root = new URL("../..", import.meta.url).pathname;

const launch = (path) =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--use-fake-ui-for-media-stream",
      "--use-fake-device-for-media-stream",
      ...(path ? [`--use-file-for-fake-video-capture=${path}`] : []),
      "--autoplay-policy=no-user-gesture-required",
    ],
    ignoreDefaultArgs: slowsNothing,
  });

async function open(browser) {
  const context = await browser.newContext({ permissions: ["camera", "microphone"], locale: "en-US" });
  await context.addInitScript(() => {
    window.connections = [];
    const Native = window.RTCPeerConnection;
    window.RTCPeerConnection = class extends Native {
      constructor(...args) {
        super(...args);
        window.connections.push(this);
      }
    };
  });
  return context.newPage();
}

/** Times each frame of the effects' worker, from reading it to handing it on. */
async function clock(page) {
  const worker = page.workers().find((w) => w.url().includes("visionworker"));
  if (!worker) throw new Error("no effects are at work");
  await worker.evaluate(() => {
    self.times = [];
    self.lines = [];
    if (self.clocked) return;
    self.clocked = true;
    let from = 0;
    const read = VideoFrame.prototype.copyTo;
    VideoFrame.prototype.copyTo = function (...args) {
      from = performance.now();
      self.lines.push(Math.min(this.displayWidth, this.displayHeight));
      return read.apply(this, args);
    };
    const write = WritableStreamDefaultWriter.prototype.write;
    WritableStreamDefaultWriter.prototype.write = function (...args) {
      self.times.push(performance.now() - from);
      return write.apply(this, args);
    };
  });
  // A machine that is too slow gives up, and its worker goes: what it has told by then counts.
  let told = { times: [], lines: 0 };
  let gone = false;
  const ask = async () => {
    try {
      told = await worker.evaluate(() => ({ times: self.times, lines: Math.min(...self.lines) }));
    } catch {
      gone = true;
    }
  };
  const timer = setInterval(() => void ask(), 1000);
  return async () => {
    clearInterval(timer);
    await ask();
    return { ...told, gone };
  };
}

const sent = (page) =>
  page.evaluate(async () => {
    const stats = [...(await window.connections.find((c) => c.connectionState === "connected").getStats()).values()];
    const out = stats.find((s) => s.type === "outbound-rtp" && s.kind === "video");
    return { frames: out.framesSent, lines: out.frameHeight };
  });

async function choose(page, name) {
  await page.getByRole("button", { name: "More" }).click();
  await page.getByRole("menuitem", { name: "Background and light" }).click();
  await page.getByRole("radio", { name, exact: true }).check();
  await page.keyboard.press("Escape");
}

/** A while of the call as it is now. */
async function spell(page, timed) {
  await page.waitForTimeout(SETTLE_MS);
  const read = timed ? await clock(page) : null;
  const [before, cpu, from] = [await sent(page), processorSeconds(), performance.now()];
  await page.waitForTimeout(SECONDS * 1000);
  const [after, used, seconds] = [await sent(page), processorSeconds() - cpu, (performance.now() - from) / 1000];
  const worked = read ? await read() : { times: [], lines: 0, gone: false };
  return {
    fps: (after.frames - before.frames) / seconds,
    sentLines: after.lines,
    cores: used / seconds,
    times: worked.times,
    made: worked.times.length / seconds,
    lines: worked.lines,
    gone: worked.gone,
  };
}

/** Frames a second that the host sees of a guest whose page is behind another tab, with the blur. */
async function background(browsers, url) {
  const host = await open(browsers[0]);
  await host.goto(url);
  await host.getByRole("button", { name: "Start a call" }).click();
  const link = await host.getByLabel("Link for your guest").inputValue();
  await host.getByLabel("Your name").fill("Ada");
  await host.getByRole("button", { name: "Enter the call" }).click();
  const guest = await BackgroundTab.open(browsers[1], url);
  await guest.until(`document.readyState === "complete"`);
  const chosen = { v: 1, name: "Ben", backdrop: "blur-strong" };
  await guest.evaluate(`localStorage.setItem("visavis.preferences", ${JSON.stringify(JSON.stringify(chosen))})`);
  await guest.evaluate(`location.href = ${JSON.stringify(link)}`);
  const knock = `[...document.querySelectorAll("button")].find((b) => b.textContent.includes("Ask to join"))`;
  await guest.until(`!!${knock}`);
  await guest.evaluate(`${knock}.click()`);
  await host.getByRole("button", { name: "Admit" }).click();
  await host.getByRole("button", { name: /^Direct|^Relayed/ }).waitFor();
  await guest.hide();
  await host.waitForTimeout(SETTLE_MS);
  const [before, from] = [await received(host), performance.now()];
  await host.waitForTimeout(SECONDS * 1000);
  return ((await received(host)) - before) / ((performance.now() - from) / 1000);
}

const received = (page) =>
  page.evaluate(async () => {
    const stats = [...(await window.connections.find((c) => c.connectionState === "connected").getStats()).values()];
    return stats.find((s) => s.type === "inbound-rtp" && s.kind === "video").framesDecoded;
  });

async function call(url, files, size) {
  const rows = { on: [], off: [], behind: 0 };
  const browsers = [await launch(null), await launch(files[size.height])];
  try {
    const [host, guest] = await Promise.all(browsers.map(open));
    const admit = await lobby(host, guest, url);
    await host.getByRole("switch", { name: "Camera" }).click();
    await admit.click();
    for (const page of [host, guest]) await page.getByRole("button", { name: /^Direct|^Relayed/ }).waitFor();
    for (let run = 0; run < RUNS; run++)
      for (const kind of ["off", "on"]) {
        await choose(guest, kind === "on" ? "Blurred" : "Unchanged");
        const row = await spell(guest, kind === "on");
        rows[kind].push(row);
        console.error(
          `${size.height} ${kind.padEnd(3)} ${row.cores.toFixed(2)} cores, ${row.fps.toFixed(1)} frames/s sent of ${row.sentLines} lines` +
            (kind === "on"
              ? `, ${row.made.toFixed(1)} made of ${row.lines}, p95 ${p95(row.times).toFixed(1)} ms${row.gone ? ", given up" : ""}`
              : ""),
        );
      }
    await Promise.all([host, guest].map((page) => page.context().close()));
    rows.behind = await background(browsers, url);
    console.error(`${size.height} in the background: ${rows.behind.toFixed(1)} frames/s seen by the host`);
  } finally {
    await Promise.all(browsers.map((b) => b.close()));
  }
  return rows;
}

const p95 = (xs) => xs.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(xs.length * 0.95) - 1)] ?? 0;
const mean = (rows, key) => rows.reduce((sum, row) => sum + row[key], 0) / rows.length;
const round = (x, digits = 1) => Number(x.toFixed(digits));

/**
 * Share of what both count as the person in what either does. The mask is taken from what is sent: behind the person stands one
 * colour, then another, so that the difference says how much of it shows, whatever the person's own colours are.
 */
async function overlap(url, file) {
  const browser = await launch(file);
  try {
    const page = await open(browser);
    await page.goto(url);
    await page.getByRole("button", { name: "Start a call" }).click();
    await page.getByText("Background and light").click();
    const shots = [];
    for (const name of ["Sand", "Slate"]) {
      await page.getByRole("radio", { name }).check();
      await page.waitForTimeout(SETTLE_MS); // the network has loaded, and frames from before are through
      shots.push(await page.getByLabel("Your own picture").evaluate(shot));
    }
    return await page.evaluate(compare, { shots, silhouette, view });
  } finally {
    await browser.close();
  }
}

function shot(video) {
  const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
  const context = canvas.getContext("2d");
  context.drawImage(video, 0, 0);
  const { data, width, height } = context.getImageData(0, 0, canvas.width, canvas.height);
  return { width, height, green: Array.from({ length: width * height }, (_, i) => data[i * 4 + 1]) };
}

function compare({ shots: [sand, slate], silhouette, view }) {
  const { width, height } = sand;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  const scale = width / view.width;
  context.beginPath();
  for (const [x, y] of silhouette) context.lineTo((x - view.x) * scale, (y - view.y) * scale);
  context.fill();
  const drawn = context.getImageData(0, 0, width, height).data;
  const between = 0xc4 - 0x5b; // the two colours' green
  let [both, either] = [0, 0];
  for (let i = 0; i < width * height; i++) {
    const person = (sand.green[i] - slate.green[i]) / between < 0.5;
    const reference = drawn[i * 4 + 3] > 127;
    if (person && reference) both++;
    if (person || reference) either++;
  }
  return both / either;
}

async function main() {
  const load = loadavg()[0];
  const data = mkdtempSync(join(tmpdir(), "visavis-bench-"));
  const args = ["serve", "--listen", "127.0.0.1:0", "--data", data, "--metrics", ""];
  const server = spawn(join(root, "bin/visavis"), args, { cwd: root, stdio: ["pipe", "pipe", "ignore"] });
  try {
    const { value = "" } = await createInterface({ input: server.stdout })[Symbol.asyncIterator]().next();
    const url = value.match(/https?:\/\/[\w.:[\]-]+/)?.[0];
    if (!url) throw new Error(`the server said ${value}`);
    const browser = await launch(null);
    const files = {};
    for (const size of SIZES) await film(browser, (files[size.height] = join(data, `${size.height}.y4m`)), size);
    const still = join(data, "still.y4m");
    await film(browser, still, { width: 640, height: 360, still: true });
    await browser.close();
    const out = {
      runs: RUNS,
      cores: cpus().length,
      load_before: round(load, 2),
      iou: round(await overlap(url, still), 3),
    };
    console.error(`overlap with the drawn silhouette: ${out.iou}`);
    for (const size of SIZES) report(out, `${size.width}x${size.height}`, await call(url, files, size));
    console.log(JSON.stringify(out));
  } finally {
    server.kill("SIGTERM");
    rmSync(data, { recursive: true, force: true });
  }
}

function report(out, name, { on, off, behind }) {
  const times = on.flatMap((row) => row.times);
  Object.assign(out, {
    [`fps_${name}`]: round(mean(on, "made")),
    [`fps_sent_${name}`]: round(mean(on, "fps")),
    [`fps_off_${name}`]: round(mean(off, "fps")),
    [`lines_${name}`]: Math.min(...on.map((row) => row.lines)),
    [`frame_ms_p50_${name}`]: round(times.toSorted((a, b) => a - b)[times.length >> 1] ?? 0),
    [`frame_ms_p95_${name}`]: round(p95(times)),
    [`cpu_${name}`]: round(mean(on, "cores"), 2),
    [`cpu_off_${name}`]: round(mean(off, "cores"), 2),
    [`fps_background_tab_${name}`]: round(behind),
    [`gave_up_${name}`]: on.some((row) => row.gone),
  });
  console.log(
    `${name}: ${out[`fps_${name}`]} frames/s, p95 ${out[`frame_ms_p95_${name}`]} ms, ${out[`cpu_${name}`]} cores;` +
      ` off: ${out[`fps_off_${name}`]} frames/s, ${out[`cpu_off_${name}`]} cores; in the background ${out[`fps_background_tab_${name}`]} frames/s`,
  );
  if (name === "640x360") out.fps_background_tab = out[`fps_background_tab_${name}`];
}

await main();
