// make bench-weather: two Chromium in the network lab, each row of weather once for a bare page with the browser's own
// settings and once for a call. Needs root. The guest hears and sees through the host's line, both ways: at a loss of 10 % each
// direction loses 10 %. Round trip 50 ms, 300 ms of queue before a bottleneck. The last line is one JSON object.
//   ROWS=10%,250k   only these rows
//   SECONDS=12      how long each is watched
import { join } from "node:path";
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { Lab, obstacle } from "./lab.mjs";
import { writeSpeech } from "./speech.mjs";
import { bare, visavis, watch } from "./weatherpages.mjs";

const SECONDS = Number(process.env.SECONDS ?? 12);
const capped = (kbit) => `rate=${kbit}k queue=${Math.max(4, Math.round((kbit * 0.3) / 8.192))}k`;
const rows = {
  "5%": "loss=5%",
  "10%": "loss=10%",
  "20%": "loss=20%",
  "500k": capped(500),
  "250k": capped(250),
  "150k": capped(150),
  "60k": capped(60),
  "5M": capped(5000),
};
/** A good line is there from the beginning, and what is watched is what it came to. */
const fromTheStart = new Set(["5M"]);
const wanted = process.env.ROWS?.split(",") ?? Object.keys(rows);

async function main() {
  const missing = obstacle();
  if (missing) throw new Error(missing);
  const dir = mkdtempSync(join(tmpdir(), "visavis-bench-"));
  const speech = join(dir, "speech.wav");
  writeSpeech(speech);
  const lab = new Lab();
  try {
    await lab.do("node server");
    const { url } = await lab.do("server start");
    const browsers = [];
    for (const node of ["host", "guest"]) browsers.push(await lab.browser(node, { speech, fps: 30 }));
    const out = { seconds: SECONDS, cores: cpus().length, load_before: Number(loadavg()[0].toFixed(2)), rows: {} };
    console.log(
      "at host / at guest              frames/s   freezes (s)           concealed %   from 2nd s    sound / video sent, kbit/s     size",
    );
    for (const name of wanted) {
      out.rows[name] = {};
      for (const [kind, open] of Object.entries({ bare, visavis })) {
        const sides = await run({ lab, url, browsers }, open, name);
        out.rows[name][kind] = sides;
        print(name, kind, sides);
      }
    }
    console.log(JSON.stringify(out));
  } finally {
    await lab.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

async function run({ lab, url, browsers }, open, name) {
  const base = "clear delay=25ms";
  const early = fromTheStart.has(name);
  await lab.do(`link host ${base}${early ? ` ${rows[name]}` : ""}`);
  const pages = await open(url, browsers);
  try {
    await pages[0].waitForTimeout(early ? 15_000 : 8_000);
    if (!early) await lab.do(`link host ${base} ${rows[name]}`);
    return await watch(pages, SECONDS);
  } finally {
    await lab.do(`link host ${base}`);
    await Promise.all(pages.map((p) => p.context().close()));
  }
}

function print(name, kind, sides) {
  const both = (f, width) =>
    sides
      .map((s) => f(s))
      .join(" / ")
      .padEnd(width);
  console.log(
    name.padEnd(6),
    kind.padEnd(10),
    both((s) => s.fps.toFixed(0), 12),
    both((s) => `${s.freezes} (${s.frozen_s.toFixed(1)})`, 22),
    both((s) => s.concealed_pct.toFixed(1), 13),
    both((s) => s.concealed_late_pct.toFixed(1), 13),
    both((s) => `${s.audio_kbps.toFixed(0)}+${s.video_kbps.toFixed(0)}`, 30),
    both((s) => s.size, 22),
  );
}

await main();
