// make bench-rehearsal: how long from the host's click on "Admit" to the first remote frame and sound, in two Chromium processes in
// the network lab (docs/lab.md), 100 ms there and back, with the path opened while the guest waits and, alternating in the same
// run, without. Needs root. The last line is one JSON object.
//   RUNS=50    rounds that count (50)
import { loadavg } from "node:os";
import { Lab, obstacle } from "./lab.mjs";
import { lobby, measure, person } from "./parties.mjs";
import { probe } from "./probe.mjs";
import { reportRehearsal } from "./report.mjs";

const RUNS = Number(process.env.RUNS ?? 50);
const WARMUP = 1; // the first round pays for cold caches and is not counted
/** Each of the two lines, each way; host and guest are 100 ms apart, there and back. */
const LINE = "delay=25ms";

async function open(browser, baseURL, rehearse) {
  const page = await person(browser, probe, baseURL);
  await page.addInitScript(
    (on) => localStorage.setItem("visavis.preferences", JSON.stringify({ v: 1, rehearse: on })),
    rehearse,
  );
  return page;
}

async function once(browsers, url, rehearse) {
  const [host, guest] = await Promise.all(browsers.map((b) => open(b, url, rehearse)));
  try {
    const admit = await lobby(host, guest, url);
    if (rehearse) for (const page of [host, guest]) await page.getByText("is tested and open").first().waitFor();
    return await measure(admit, host, guest);
  } finally {
    await Promise.all([host, guest].map((page) => page.context().close()));
  }
}

async function main() {
  const why = obstacle();
  if (why) throw new Error(why);
  const lab = new Lab();
  try {
    await lab.do("node server");
    const { url } = await lab.do("server start");
    const browsers = [];
    for (const node of ["host", "guest"]) browsers.push(await lab.browser(node, { link: LINE }));
    const rows = { warm: [], cold: [] };
    const load = loadavg()[0];
    for (let i = 0; i < RUNS + WARMUP; i++) {
      const [warm, cold] = [await once(browsers, url, true), await once(browsers, url, false)];
      if (i < WARMUP) continue;
      rows.warm.push(warm);
      rows.cold.push(cold);
      console.error(`${i}: ${Math.round(warm.guest_frame)} / ${Math.round(cold.guest_frame)} ms`);
    }
    reportRehearsal(rows, load);
  } finally {
    await lab.stop();
  }
}

await main();
