// make bench-recovery: how long a call is without a picture when its path dies, in two Chromium processes in the network
// lab (docs/lab.md), 100 ms there and back, beside a bare page that restarts ICE when connectionState is "failed", as
// most do. Needs root. The last line is one JSON object.
//   RUNS=20       runs of each fault
//   BASELINE=3    runs of the bare page of each fault; each costs half a minute
//   ONLY=cut      only this fault (cut, switch, link, dead)
import { bare } from "./bare.mjs";
import { watchFrames, recovery } from "./frames.mjs";
import { Lab, obstacle } from "./lab.mjs";
import { lobby, person } from "./parties.mjs";
import { reportRecovery } from "./report.mjs";

const RUNS = Number(process.env.RUNS ?? 20);
const BASELINE = Number(process.env.BASELINE ?? 3);
/** Each of the two lines, each way; host and guest are 100 ms apart, there and back. */
const LINE = "delay=25ms";
/** A call that has just begun is not what is measured: bitrates have risen, spare paths are checked. */
const SETTLE_MS = 3000;

/** What happens to a call. `prepare` is before it begins, `strike` is the fault, `heal` makes ready for the next run. */
const faults = {
  cut: {
    title: "the direct way is cut, the server stays reachable",
    prepare: async () => {},
    strike: ({ lab }) => lab.do("cut host guest"),
    heal: ({ lab }) => lab.do("mend host guest"),
  },
  switch: {
    title: "the guest's interface goes, another comes with another address",
    prepare: async () => {},
    strike: ({ lab, run }) => lab.do(`switch guest if=${run % 2 ? "wlan0" : "wwan0"} ${LINE}`),
    heal: async () => {},
  },
  link: {
    title: "the guest has two interfaces, the one in use falls silent",
    prepare: ({ lab }) => second(lab),
    strike: (at) => silence(at),
    heal: ({ lab }) => single(lab),
  },
  dead: {
    title: "the same, and the server has been killed before",
    prepare: ({ lab }) => second(lab),
    settled: ({ lab }) => lab.do("server kill"),
    strike: (at) => silence(at),
    heal: async ({ lab }) => {
      await single(lab);
      await lab.do("server start");
    },
  },
};

/** One more interface, which the guest's browser sees before the call. */
async function second(lab) {
  await lab.do(`attach guest if=wwan1 ${LINE}`);
}

/** Only the first interface, and it works. */
async function single(lab) {
  await lab.do("detach guest");
  await lab.do("link guest up");
}

/** An outage of the interface that carries the call: packets are lost, nobody is told. */
async function silence({ lab, guest }) {
  const address = await guest.evaluate(async () => {
    const stats = [...(await window.connections.find((c) => c.connectionState === "connected").getStats()).values()];
    const pair = stats.find((s) => s.id === stats.find((s) => s.type === "transport").selectedCandidatePairId);
    return stats.find((s) => s.id === pair.localCandidateId).address;
  });
  const status = await lab.status();
  const used = status.find((link) => link.node === "guest" && link.addresses.includes(address));
  if (!used) throw new Error(`the guest sends from ${address}, which is nobody's`);
  await lab.do(`link guest/${used.interface} down`);
}

/** One call, one fault: seconds from the fault to the picture, of the side that waits longer. */
async function once({ lab, url, browsers, fault, run, baseline }) {
  const { prepare, settled, strike, heal } = faults[fault];
  await prepare({ lab });
  const [host, guest] = await Promise.all(browsers.map((b) => person(b, watchFrames, url)));
  try {
    await (await lobby(host, guest, url)).click();
    for (const page of [host, guest]) await page.getByRole("button", { name: /^Direct|^Relayed/ }).waitFor();
    const watched = baseline ? await bare(host, guest, url) : [host, guest];
    await host.waitForTimeout(SETTLE_MS);
    await settled?.({ lab });
    await host.waitForTimeout(settled ? SETTLE_MS : 0);
    const at = Date.now();
    await strike({ lab, run, guest: watched[1] });
    return Math.max(...(await Promise.all(watched.map((page) => recovery(page, at)))));
  } finally {
    await Promise.all([host, guest].map((page) => page.context().close()));
    await heal({ lab });
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
    for (const node of ["host", "guest"]) browsers.push(await lab.browser(node, { link: `if=wlan0 ${LINE}` }));
    const rows = [];
    for (const fault of Object.keys(faults).filter((f) => !process.env.ONLY || process.env.ONLY === f)) {
      const row = { fault, title: faults[fault].title, seconds: [], baseline: [] };
      for (let run = 0; run < RUNS + BASELINE; run++) {
        const baseline = run >= RUNS;
        const seconds = await once({ lab, url, browsers, fault, run, baseline });
        (baseline ? row.baseline : row.seconds).push(seconds);
        console.error(`${fault} ${baseline ? "baseline " : ""}${run + 1}: ${seconds.toFixed(2)} s`);
      }
      rows.push(row);
    }
    reportRecovery(rows);
  } finally {
    await lab.stop();
  }
}

await main();
