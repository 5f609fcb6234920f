import type { CallRecord } from "../storage/calls.ts";
import type { App } from "./app.ts";
import type { CallPlan } from "./create.ts";
import { chooseGuest } from "./ownlink.ts";
import { readPasted, type PastedLink } from "./openlink.ts";
import type { ServerProblem } from "./server.ts";

/** Everything that makes or ends calls needs the cryptography: one chunk, fetched after the first paint. */
const loadCreate = () => import("./create.ts");
const loadServer = () => import("./server.ts");

/** Fetches what "Start a call" will need, when the browser has nothing better to do. */
export function warmUp(): void {
  const idle = globalThis.requestIdleCallback ?? ((run: () => void) => setTimeout(run, 200));
  idle(() => void loadCreate().catch(() => undefined)); // fails again, and is reported, on the click
}

/** What kept an action from happening. A chunk that cannot be loaded means that the server is away, too. */
export async function problemOf(error: unknown): Promise<ServerProblem> {
  if (!navigator.onLine) return "offline";
  const { ServerError } = await loadServer().catch(() => ({ ServerError: null }));
  if (ServerError && error instanceof ServerError) return error.problem;
  return "server-away";
}

/** The start page: start a call, open a link, look after recent calls. */
export class HomeModel {
  readonly #app: App;
  #starting = $state(false);
  #problem = $state<ServerProblem | null>(null);

  constructor(app: App) {
    this.#app = app;
  }

  get starting(): boolean {
    return this.#starting;
  }

  get problem(): ServerProblem | null {
    return this.#problem;
  }

  /** Makes a call with the usual settings and goes to its lobby. */
  async start(): Promise<void> {
    this.#problem = null;
    this.#starting = true;
    try {
      const { createCall, startNow } = await loadCreate();
      const plan: CallPlan = { ...startNow, relayOnly: this.#app.preferences.relayOnly };
      const call = await createCall(plan, this.#app.token.value);
      this.#app.recent.put(call);
      this.enter(call.fragment);
    } catch (error) {
      const problem = await problemOf(error);
      if (!this.#app.token.wants(problem)) this.#problem = problem;
    } finally {
      this.#starting = false;
    }
  }

  /** Reads what was pasted; goes there if it is a guest's link to a call here, else the page must ask or explain. */
  open(text: string): PastedLink {
    const pasted = readPasted(text, this.#app.origin, this.#app.recent.list);
    if (pasted.kind === "guest") this.enter(pasted.fragment);
    return pasted;
  }

  /** To the lobby of the call of a link. */
  enter(fragment: string): void {
    this.#app.tabLink.set(fragment);
    this.#app.router.go("/c");
  }

  /** To the call of this device as its guest, which the person has chosen. */
  enterAsGuest(call: CallRecord): void {
    chooseGuest(call.guest, this.#app.session);
    this.enter(call.guest);
  }

  /** Ends the call of a host's record for good. Returns what kept it from happening. */
  async end(call: CallRecord): Promise<ServerProblem | null> {
    try {
      const { endCall } = await loadServer();
      await endCall(this.#app.origin, call);
      this.#app.recent.update(call.id, { ended: true });
      return null;
    } catch (error) {
      return problemOf(error);
    }
  }
}
