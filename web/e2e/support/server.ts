import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { binary } from "./build.ts";

/** A running server with a data directory of its own. */
export interface Server {
  readonly url: string; // http://127.0.0.1:PORT
  readonly port: number;
  readonly dataDir: string;
  readonly pid: number;
  /** What it has logged so far. */
  log(): string;
  stop(): Promise<void>;
}

/** Starts a server on a free port and waits until it is ready. */
export async function startServer(
  options: { port?: number; dataDir?: string; args?: string[]; env?: NodeJS.ProcessEnv } = {},
): Promise<Server> {
  const port = options.port ?? (await freePort());
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), "visavis-e2e-")));
  const args = ["serve", "--listen", `127.0.0.1:${port}`, "--data", dataDir, "--metrics", "", ...(options.args ?? [])];
  // The server's settings are in these variables: a test sets its own.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("VISAVIS_")));
  const child = spawn(binary(), args, { stdio: ["ignore", "pipe", "pipe"], env: { ...env, ...options.env } });
  let log = "";
  child.stdout.on("data", (b: Buffer) => (log += b.toString()));
  child.stderr.on("data", (b: Buffer) => (log += b.toString()));
  const exited = once(child, "exit");
  const url = `http://127.0.0.1:${port}`;
  await Promise.race([
    ready(url),
    exited.then(() => {
      throw new Error(`server ended before it was ready:\n${log}`);
    }),
  ]);
  return {
    url,
    port,
    dataDir,
    pid: child.pid ?? 0,
    log: () => log,
    stop: async () => {
      child.kill("SIGTERM");
      await exited;
      if (!options.dataDir) await rm(dataDir, { recursive: true, force: true });
    },
  };
}

async function ready(url: string): Promise<void> {
  const deadline = Date.now() + 15_000;
  for (;;) {
    const ok = await fetch(`${url}/readyz`).then(
      (r) => r.ok,
      () => false,
    );
    if (ok) return;
    if (Date.now() > deadline) throw new Error("server is not ready after 15 s");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** A port that is free for TCP now; the server takes the same number for UDP. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  await once(probe, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
