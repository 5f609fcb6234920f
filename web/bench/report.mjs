/** What make bench-call and make bench-recovery print. */
import { cpus } from "node:os";

const sorted = (xs) => xs.toSorted((a, b) => a - b);
const median = (xs) => {
  const s = sorted(xs);
  return (s[(s.length - 1) >> 1] + s[s.length >> 1]) / 2;
};
const p95 = (xs) => sorted(xs)[Math.ceil(xs.length * 0.95) - 1];
const ms = (x) => x.toFixed(0).padStart(7);

/** A table for people, then one JSON object for programs. `load`: of the machine before the run, over a minute. */
export function report(rows, load) {
  const out = { runs: rows.floor.length, cores: cpus().length, load_before: Number(load.toFixed(2)) };
  console.log(
    "ms from the click on Admit     floor p50    p95   visavis p50    p95   relayed p50    p95   visavis/floor",
  );
  for (const key of ["guest_frame", "guest_audio", "host_frame", "host_audio"]) {
    const [f, v, r] = [rows.floor, rows.visavis, rows.relayed].map((row) => row.map((x) => x[key]));
    const ratio = median(v) / median(f);
    const cells = [f, v, r].map((xs) => `${ms(median(xs))}${ms(p95(xs))}`);
    console.log(`${key.padEnd(33)}${cells.join("      ")}${ratio.toFixed(2).padStart(15)}`);
    out[`${key}_floor_ms`] = Math.round(median(f));
    out[`${key}_ms`] = Math.round(median(v));
    out[`${key}_p95_ms`] = Math.round(p95(v));
    out[`relayed_${key}_ms`] = Math.round(median(r));
    out[`${key}_ratio`] = Number(ratio.toFixed(3));
  }
  for (const kind of Object.keys(rows)) console.log(`size of the first frame, ${kind}: ${sizes(rows[kind])}`);
  // The figure that counts: what the guest, who has been waiting, sees first.
  out.ratio_to_floor = out.guest_frame_ratio;
  console.log(JSON.stringify(out));
}

function sizes(rows) {
  const counts = new Map();
  for (const { size } of rows) counts.set(size, (counts.get(size) ?? 0) + 1);
  return [...counts].map(([size, n]) => `${size} (${n})`).join(", ");
}

/** Median of each mark, of each kind of call. */
export function trace(rows) {
  for (const [kind, all] of Object.entries(rows)) {
    const marks = new Map();
    for (const { marks: run } of all) {
      for (const [name, at] of Object.entries(run)) marks.set(name, [...(marks.get(name) ?? []), at]);
    }
    console.log(`\n${kind}`);
    const lines = [...marks].map(([name, xs]) => [median(xs), name, xs.length]).toSorted((a, b) => a[0] - b[0]);
    for (const [at, name, n] of lines)
      console.log(`${ms(at)}  ${name}${n < all.length ? `  (${n} of ${all.length})` : ""}`);
  }
  console.log();
}

/** Of make bench-rehearsal: ms, of the guest and of the host. */
export function reportRehearsal({ warm, cold }, load) {
  const out = { runs: warm.length, cores: cpus().length, load_before: Number(load.toFixed(2)) };
  console.log("ms from the click on Admit       with rehearsal p50    p95   without p50    p95   ratio");
  for (const key of ["guest_frame", "guest_audio", "host_frame", "host_audio"]) {
    const [w, c] = [warm, cold].map((row) => row.map((x) => x[key]));
    const ratio = median(w) / median(c);
    console.log(
      `${key.padEnd(33)}${ms(median(w)).padStart(18)}${ms(p95(w))}${ms(median(c)).padStart(14)}${ms(p95(c))}${ratio.toFixed(2).padStart(8)}`,
    );
    out[`${key}_ms`] = Math.round(median(w));
    out[`${key}_p95_ms`] = Math.round(p95(w));
    out[`${key}_without_ms`] = Math.round(median(c));
    out[`${key}_without_p95_ms`] = Math.round(p95(c));
    out[`${key}_ratio`] = Number(ratio.toFixed(3));
  }
  // The side that waits longer for its first picture.
  const later = (rows) => rows.map((x) => Math.max(x.guest_frame, x.host_frame));
  out.admit_to_frame_p95_ms = Math.round(p95(later(warm)));
  out.admit_to_frame_without_p95_ms = Math.round(p95(later(cold)));
  console.log(JSON.stringify(out));
}

/** Of make bench-recovery. Seconds; the figures of the last line are of all faults together. */
export function reportRecovery(rows) {
  const cell = (x) => (x === undefined ? "–" : x.toFixed(2)).padStart(8);
  const baselines = rows.map((row) => row.baseline.length).join(", ");
  console.log(`seconds from the fault to the picture, of the side that waits longer; 60 is "not within a minute"`);
  console.log(`the bare page had fewer runs (${baselines}), for each takes half a minute`);
  console.log("fault      runs  median     p95   worst   bare page, median");
  for (const { fault, title, seconds, baseline } of rows) {
    const figures = [median(seconds), p95(seconds), Math.max(...seconds)].map(cell).join("");
    const bare = baseline.length ? cell(median(baseline)) : cell();
    console.log(`${fault.padEnd(10)}${String(seconds.length).padStart(5)}${figures}${bare.padStart(20)}   ${title}`);
  }
  const round = (x) => Number(x.toFixed(3));
  const all = rows.flatMap((row) => row.seconds);
  const bare = rows.flatMap((row) => row.baseline);
  const faults = Object.fromEntries(
    rows.map(({ fault, seconds, baseline }) => [
      fault,
      {
        median_s: round(median(seconds)),
        p95_s: round(p95(seconds)),
        worst_s: round(Math.max(...seconds)),
        within_2s: seconds.filter((s) => s <= 2).length,
        runs: seconds.length,
        ...(baseline.length ? { baseline_s: round(median(baseline)), baseline_runs: baseline.length } : {}),
      },
    ]),
  );
  const out = { median_s: round(median(all)), p95_s: round(p95(all)), worst_s: round(Math.max(...all)) };
  console.log(
    JSON.stringify({ ...out, baseline_s: bare.length ? round(median(bare)) : null, cores: cpus().length, faults }),
  );
}
