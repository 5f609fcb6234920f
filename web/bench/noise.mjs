// make bench-noise: strong noise suppression as it is shipped, in Chromium: how much nearer to the speech a noisy microphone
// gets (SI-SDR in and out, dB), what it does to clean speech, what it costs of a processor core, and how long somebody is
// not heard who changes the suppression in a call. Speech is made by flite, noise by noisepage.mjs. The last line is one
// JSON object.
//   RUNS=3        renderings for the cost
import { chromium } from "@playwright/test";
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { switching } from "./noisegap.mjs";
import { measure } from "./noisepage.mjs";
import { processorSeconds } from "./processor.mjs";

const RUNS = Number(process.env.RUNS ?? 3);
const root = new URL("../..", import.meta.url).pathname;
const sentences = [
  "The old lighthouse keeper climbed the stairs every evening and lit the lamp.",
  "Could you send me the second page of the report before Thursday?",
  "I am not sure that this train stops at every station.",
  "Seven small boats left the harbour in the fog, and six came back.",
  "Let us talk about the price first, and about everything else tomorrow.",
  "She played the same song twice, once slowly and once as fast as she could.",
];
const stationary = ["white", "pink", "fan"];

const directory = mkdtempSync(join(tmpdir(), "visavis-noise-"));
const speech = sentences.map((text, i) => {
  const path = join(directory, `${i}.wav`);
  execFileSync("flite", ["-voice", i % 2 ? "rms" : "slt", "-t", text, "-o", path]);
  return readFileSync(path).toString("base64");
});

const assets = readdirSync(join(root, "web/dist/assets"));
const asset = (pattern) => `/assets/${assets.find((name) => pattern.test(name))}`;

const args = ["serve", "--listen", "127.0.0.1:0", "--data", directory, "--metrics", ""];
const server = spawn(join(root, "bin/visavis"), args, { cwd: root, stdio: ["pipe", "pipe", "ignore"] });
try {
  const lines = createInterface({ input: server.stdout })[Symbol.asyncIterator]();
  const { value = "" } = await lines.next();
  const url = value.match(/https?:\/\/[\w.:[\]-]+/)?.[0];
  if (!url) throw new Error(`the server said ${value}`);
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"],
  });
  const page = await browser.newPage();
  await page.goto(url);
  const run = (more) =>
    page.evaluate(measure, {
      speech,
      noises: [...stationary, "keyboard"],
      snrs: [20, 10, 5, 0],
      worklet: asset(/^denoise\.worklet-.*\.js$/),
      wasm: asset(/^rnnoise-.*\.wasm$/),
      times: 0,
      ...more,
    });
  const found = await run({});
  /** Processor seconds for each second of sound. */
  const cost = async (through) => {
    const before = processorSeconds();
    const { seconds } = await run({ times: RUNS, through });
    return (processorSeconds() - before) / seconds;
  };
  const [plain, through] = [await cost(false), await cost(true)];
  await page.close();
  const gapMs = await switching(browser, url);
  await browser.close();
  print(found, 100 * (through - plain), gapMs);
} finally {
  server.kill("SIGTERM");
  rmSync(directory, { recursive: true });
}

function print({ rows, untouched, seconds }, core, gapMs) {
  const db = (x) => x.toFixed(1).padStart(7);
  console.log(`SI-SDR of ${seconds.toFixed(0)} s of speech, dB; SNR while somebody speaks`);
  console.log("noise       SNR     in    out   gain");
  for (const { noise, snr, before, after } of rows)
    console.log(`${noise.padEnd(10)}${String(snr).padStart(5)}${db(before)}${db(after)}${db(after - before)}`);
  console.log(`clean speech comes out at ${untouched.toFixed(1)} dB of itself`);
  console.log(`cost: ${core.toFixed(1)} % of a core`);
  console.log(`longest silence when it is changed in a call: ${gapMs.toFixed(0)} ms`);
  const least = (of, chosen) =>
    Number(
      Math.min(
        ...rows
          .filter(of)
          .filter(chosen)
          .map((r) => r.after - r.before),
      ).toFixed(2),
    );
  const steady = (r) => stationary.includes(r.noise);
  const out = {
    noise_gain_db: least(steady, (r) => r.snr <= 10), // the least of stationary noise at 10 dB and below
    noise_gain_5db_db: least(steady, (r) => r.snr <= 5),
    noise_gain_keyboard_db: least(
      (r) => r.noise === "keyboard",
      (r) => r.snr <= 10,
    ),
    noise_gain_20db_db: least(
      () => true,
      (r) => r.snr === 20,
    ),
    noise_clean_sdr_db: Number(untouched.toFixed(1)),
    noise_core_percent: Number(core.toFixed(2)),
    noise_lag_ms: 30,
    noise_switch_gap_ms: Math.round(gapMs),
  };
  console.log(JSON.stringify(out));
}
