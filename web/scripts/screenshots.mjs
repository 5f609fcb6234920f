/* The pictures of the README: a real call between two drawn people. Needs bin/visavis and Chromium. */
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "@playwright/test";
import { palettePng } from "./palette.mjs";
import { people, portrait } from "./portrait.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const images = join(root, "docs/images");
const work = await mkdtemp(join(tmpdir(), "visavis-screenshots-"));
const desktop = { width: 1280, height: 800 };
const phone = { width: 390, height: 844 };

const launch = (args = []) =>
  chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", ...args] });

/** Starts a server; its address is what it prints when it is ready. */
async function serve() {
  const child = spawn(
    process.env.VISAVIS_BIN ?? join(root, "bin/visavis"),
    ["serve", "--listen", "127.0.0.1:0", "--data", join(work, "data"), "--metrics", ""],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  for await (const text of child.stdout) {
    const [url] = /http:\/\/\S+/.exec(String(text)) ?? [];
    if (url) return { url, stop: () => child.kill("SIGTERM") };
  }
  throw new Error("the server ended before it was ready");
}

/** A picture of each person, as a film for Chromium's fake camera: Motion JPEG is JPEG after JPEG. */
async function film() {
  const browser = await launch();
  const page = await browser.newPage({ viewport: { width: 1280, height: 720 } });
  const files = {};
  for (const [name, person] of Object.entries(people)) {
    await page.setContent(portrait(person));
    const picture = await page.screenshot({ type: "jpeg", quality: 95 });
    files[name] = join(work, `${name}.mjpeg`);
    await writeFile(files[name], Buffer.concat([picture, picture]));
  }
  await browser.close();
  return files;
}

/** A person at a browser of their own. */
async function sit(file, baseURL, viewport) {
  const browser = await launch([
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    `--use-file-for-fake-video-capture=${file}`,
  ]);
  const permissions = ["camera", "microphone", "notifications"];
  const page = await browser.newPage({ baseURL, viewport, permissions, locale: "en", colorScheme: "dark" });
  return { page, close: () => browser.close() };
}

/** A live call of both; resolves once each has watched the other for a while. */
async function meet(host, guest, names) {
  await host.goto("/");
  await host.getByRole("button", { name: "Start a call" }).click();
  const link = await host.getByLabel("Link for your guest").inputValue();
  await host.getByLabel("Your name").fill(names.host);
  await host.getByRole("button", { name: "Enter the call" }).click();
  await guest.goto(link);
  await guest.getByLabel("Your name").fill(names.guest);
  await guest.getByRole("button", { name: "Ask to join" }).click();
  await host.getByRole("button", { name: "Admit" }).click();
  for (const page of [host, guest]) {
    await page.getByRole("button", { name: /^Direct/ }).waitFor();
    // Enough for the codec to have reached its full sharpness, and for the notices to have gone.
    await page.waitForFunction(
      () => document.querySelector("video[aria-label]")?.getVideoPlaybackQuality().totalVideoFrames > 200,
      undefined,
      { timeout: 120_000 },
    );
  }
}

async function save(page, name, limit) {
  const png = await page.screenshot();
  const { width, height, pixels } = await page.evaluate(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
    const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
    context.drawImage(bitmap, 0, 0);
    const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
    let text = "";
    for (let i = 0; i < data.length; i += 8192) text += String.fromCharCode(...data.subarray(i, i + 8192));
    return { width: bitmap.width, height: bitmap.height, pixels: btoa(text) };
  }, png.toString("base64"));
  const small = palettePng(Buffer.from(pixels, "base64"), width, height);
  if (small.length > limit) throw new Error(`${name}: ${small.length} bytes, more than ${limit}`);
  await writeFile(join(images, name), small);
  console.log(`docs/images/${name}: ${small.length} bytes`);
}

const server = await serve();
const open = [];
try {
  await mkdir(images, { recursive: true });
  const films = await film();
  const ben = await sit(films.ben, server.url, desktop);
  open.push(ben);
  const ana = await sit(films.ana, server.url, phone);
  open.push(ana);
  await meet(ben.page, ana.page, { host: "Ben", guest: "Ana" });
  await save(ben.page, "call.png", 200_000);
  await save(ana.page, "phone.png", 120_000);
} finally {
  for (const person of open) await person.close();
  server.stop();
  await rm(work, { recursive: true, force: true });
}
