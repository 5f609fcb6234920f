/** What the benchmarks ask of the machine. */
import { readdirSync, readFileSync } from "node:fs";

const TICKS = 100; // a second, as /proc/PID/stat counts (proc_pid_stat(5); CLK_TCK of Linux on amd64 and arm64)

/** Processor seconds of this process's descendants. */
export function processorSeconds() {
  const all = new Map();
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      // The name in parentheses may hold anything: fields are counted from behind it.
      const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
        .replace(/^.*\) /s, "")
        .split(" ");
      all.set(Number(pid), { parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) });
    } catch {
      // It has ended meanwhile.
    }
  }
  const ours = (pid) => pid === process.pid || (all.has(pid) && ours(all.get(pid).parent));
  let ticks = 0;
  for (const [pid, process_] of all) if (pid !== process.pid && ours(pid)) ticks += process_.ticks;
  return ticks / TICKS;
}
