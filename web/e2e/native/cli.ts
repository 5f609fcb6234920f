import { spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { createInterface } from "node:readline";
import { binary } from "../support/build.ts";

/** The last line of `visavis call --json`. */
export interface Ended {
  readonly type: "ended";
  readonly reason: string;
  readonly code?: string;
  readonly path: "direct" | "relayed" | null;
  readonly words: readonly string[];
  readonly digits: string;
  readonly duration_ms: number;
  readonly setup_ms: number;
  readonly video_frames_received: number;
  readonly audio_packets_received: number;
}

/** Where a terminal stands, if not beside the browsers. */
export interface Place {
  /** A network namespace. */
  readonly namespace: string;
  /** The file with the certificate of the server there. */
  readonly cert: string;
}

type Line = Readonly<Record<string, unknown>> & { readonly type: string };

/** `visavis call --json` in a process of its own: the person at the terminal. */
export class NativeParty {
  readonly #child: ReturnType<typeof spawnCall>;
  readonly #lines: Line[] = [];
  readonly #exit: Promise<number | null>;
  readonly #heard = new EventEmitter(); // "more": a line, or the end
  #complaint = "";
  #over = false;

  constructor(link: string, args: readonly string[], place: Place | null = null) {
    this.#child = spawnCall(link, args, place);
    this.#child.stderr.on("data", (b: Buffer) => (this.#complaint += b.toString()));
    createInterface({ input: this.#child.stdout }).on("line", (text) => {
      this.#lines.push(JSON.parse(text) as Line);
      this.#heard.emit("more");
    });
    this.#exit = once(this.#child, "close").then(([code]: (number | null)[]) => {
      this.#over = true;
      this.#heard.emit("more");
      return code ?? null;
    });
  }

  /** The next line of this type that has not been taken yet. */
  async next(type: string): Promise<Line> {
    for (;;) {
      const at = this.#lines.findIndex((line) => line.type === type);
      const [line] = at < 0 ? [] : this.#lines.splice(at, 1);
      if (line) return line;
      if (this.#over) throw new Error(`ended without a line of type ${type}: ${this.#complaint}`);
      await once(this.#heard, "more");
    }
  }

  /** Types a line: an answer, a command, or a chat message. */
  type(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  /** Waits until it has ended by itself. */
  async ended(): Promise<{ code: number | null; last: Ended }> {
    const code = await this.#exit;
    const last = this.#lines.at(-1);
    if (last?.type !== "ended") throw new Error(`the last line is ${JSON.stringify(last)}: ${this.#complaint}`);
    return { code, last: last as unknown as Ended };
  }

  /** For a test that is over, however it went. */
  async stop(): Promise<void> {
    this.#child.kill("SIGTERM");
    await this.#exit;
  }
}

function spawnCall(link: string, args: readonly string[], place: Place | null) {
  return spawn(...commandLine(place, "call", link, "--json", ...args), { stdio: "pipe", env: environment(place) });
}

function commandLine(place: Place | null, ...args: string[]): [string, string[]] {
  return place ? ["ip", ["netns", "exec", place.namespace, binary(), ...args]] : [binary(), args];
}

function environment(place: Place | null) {
  return place ? { ...process.env, SSL_CERT_FILE: place.cert } : process.env;
}

/** `visavis new --json`: the two links of a fresh call. */
export function newCall(server: string, ...args: string[]): Promise<{ host: string; guest: string }> {
  return newCallAt(null, server, ...args);
}

export async function newCallAt(place: Place | null, server: string, ...args: string[]) {
  const child = spawn(...commandLine(place, "new", "--json", "--server", server, ...args), {
    stdio: ["ignore", "pipe", "inherit"],
    env: environment(place),
  });
  let out = "";
  child.stdout.on("data", (b: Buffer) => (out += b.toString()));
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) throw new Error(`visavis new: exit code ${code}`);
  return JSON.parse(out) as { host: string; guest: string };
}
