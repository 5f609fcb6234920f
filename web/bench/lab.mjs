/** The network lab (docs/lab.md) from JavaScript: the command test/lab, spoken to line by line, and browsers inside it. */
import { chromium } from "@playwright/test";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const root = new URL("../..", import.meta.url).pathname;
const command = join(root, "bin/lab");

/** Builds the command and says why there can be no lab here, or "". */
export function obstacle() {
  execFileSync("go", ["build", "-o", command, "./test/lab"], { cwd: root, stdio: "inherit" });
  const { status, stderr } = spawnSync(command, ["-check"], { encoding: "utf8" });
  return status === 0 ? "" : stderr.trim();
}

/** True where a test must fail rather than skip itself for want of a lab. */
export const required = process.env.CI === "true" || process.env.VISAVIS_LAB === "require";

export class Lab {
  #child;
  #answers;
  #dir = mkdtempSync(join(tmpdir(), "visavis-browsers-"));
  #browsers = [];

  constructor() {
    const binary = process.env.VISAVIS_BIN ?? join(root, "bin/visavis");
    // A host makes more calls from its address than any person would.
    const env = { ...process.env, VISAVIS_LIMITS_CREATES_PER_MINUTE: "10000" };
    this.#child = spawn(command, ["-bare", "-bin", binary], { stdio: ["pipe", "pipe", "inherit"], env });
    this.#answers = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /**
   * Carries out one line of the lab's language; throws what it complains about.
   * @param {string} line
   * @returns {Promise<Record<string, string>>} what it answered as name=value
   */
  async do(line) {
    this.#child.stdin.write(`${line}\n`);
    const { value, done } = await this.#answers.next();
    if (done) throw new Error(`the lab ended at: ${line}`);
    if (!value.startsWith("ok")) throw new Error(`${line}: ${value}`);
    return Object.fromEntries([...value.matchAll(/(\w+)=(\S+)/g)].map(([, name, text]) => [name, text]));
  }

  /**
   * Every link.
   * @returns {Promise<{ node: string, interface: string, addresses: string[] }[]>}
   */
  async status() {
    const { links } = await this.do("status json");
    return JSON.parse(links);
  }

  /**
   * A browser on a new node. Its camera shows the moving pattern; its microphone beeps, or plays `speech`, a WAV file.
   * @param {string} node
   * @param {{ link?: string, speech?: string, fps?: number }} [options] `link`: options of the node's link; `fps` of the camera, else 20
   */
  async browser(node, { link = "", speech, fps } = {}) {
    const { namespace } = await this.do(`node ${node} ${link}`);
    const wrapper = join(this.#dir, node);
    const program = process.env.CHROMIUM ?? "/usr/bin/chromium";
    writeFileSync(wrapper, `#!/bin/sh\nexec ip netns exec ${namespace} ${program} "$@"\n`, { mode: 0o755 });
    const browser = await chromium.launch({
      executablePath: wrapper,
      args: [
        "--no-sandbox",
        "--disable-gpu", // an emulated one costs more than none
        "--use-fake-ui-for-media-stream",
        `--use-fake-device-for-media-stream${fps ? `=fps=${fps}` : ""}`,
        "--autoplay-policy=no-user-gesture-required",
        ...(speech ? [`--use-file-for-fake-audio-capture=${speech}`] : []),
      ],
    });
    this.#browsers.push(browser);
    return browser;
  }

  async stop() {
    await Promise.all(this.#browsers.map((b) => b.close()));
    this.#child.stdin.end();
    if (this.#child.exitCode === null) await once(this.#child, "exit");
    rmSync(this.#dir, { recursive: true, force: true });
  }
}
