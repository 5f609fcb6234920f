const FIRST_MS = 300;
const LONGEST_MS = 15_000; // keeps one client far below the server's 30 connections a minute

/**
 * How long to wait before try number `attempt` (0 is the first). Half of it is
 * random, so that the clients of a restarted server do not come back together.
 */
export function retryDelay(attempt: number, random: () => number = Math.random): number {
  const full = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt, 10));
  return full / 2 + (full / 2) * random();
}

/** The same for a server that said when it will be back. */
export function returnDelay(retryMs: number, random: () => number = Math.random): number {
  const base = Math.min(Math.max(retryMs, 0), 60_000);
  return base + 1_000 * random();
}
