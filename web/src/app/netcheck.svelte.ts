import { networkVerdict, nothingKnown, type NetworkPaths, type NetworkProblem } from "../engine/checks/network.ts";
import type { App } from "./app.ts";

export type { NetworkFinding, NetworkPaths, PathState } from "../engine/checks/network.ts";

/** A check of the way to the server, as the UI reads it. Whoever makes one closes it: a call that begins needs the line. */
export class NetworkCheck {
  readonly #app: Pick<App, "origin" | "preferences" | "tested">;
  #running: AbortController | null = null;
  #busy = $state(false);
  #ran = $state(false);
  #paths = $state.raw<NetworkPaths>(nothingKnown);
  #problem = $state.raw<NetworkProblem | null>(null);

  constructor(app: Pick<App, "origin" | "preferences" | "tested">) {
    this.#app = app;
  }

  get busy(): boolean {
    return this.#busy;
  }
  /** There is something to show, or soon will be. */
  get begun(): boolean {
    return this.#busy || this.#ran;
  }
  get paths(): NetworkPaths {
    return this.#paths;
  }
  get verdict(): ReturnType<typeof networkVerdict> {
    return this.#busy ? { light: "working", finding: "measuring" } : networkVerdict(this.#paths, this.#problem);
  }

  /** Measures; how fast the line is only if this device need not save data. */
  async start(): Promise<void> {
    if (this.#running) return;
    const running = (this.#running = new AbortController());
    this.#busy = true;
    this.#paths = nothingKnown;
    this.#problem = null;
    try {
      const { probeNetwork } = await import("../engine/checks/netprobe.ts");
      const { paths, problem } = await probeNetwork({
        origin: this.#app.origin,
        signal: running.signal,
        full: this.#app.preferences.dataUse === "full",
        progress: (known) => (this.#paths = known),
      });
      this.#paths = paths;
      this.#problem = problem;
      this.#ran = true;
    } catch {
      if (running.signal.aborted) return;
      this.#problem = "away"; // a part of the page did not load
      this.#ran = true;
    } finally {
      if (this.#running === running) this.close();
    }
    const { light } = this.verdict;
    if (light !== "working") this.#app.tested.note("network", light);
  }

  close(): void {
    this.#running?.abort();
    this.#running = null;
    this.#busy = false;
  }
}
