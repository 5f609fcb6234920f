import { secureRandom } from "../engine/e2ee/link.ts";
import type { CallRecord } from "../storage/calls.ts";
import type { App } from "./app.ts";
import { requiresFrames } from "./frames.ts";
import { problemOf } from "./home.svelte.ts";
import { passwordProblem, suggestPassword, type PasswordProblem } from "./password.ts";
import type { ServerProblem } from "./server.ts";

const minute = 60_000;
const day = 86_400_000;

/** What the page offers, in ms. */
export const timeLimits = [15, 30, 45, 60, 90, 120].map((n) => n * minute);
export const lifetimes = [60 * minute, day, 7 * day, 30 * day];

/** The page that makes a call: a form, then the link. */
export class NewCallModel {
  title = $state("");
  waitingRoom = $state(true);
  limitMs = $state<number | null>(null);
  ttlMs = $state(7 * day);
  oneTime = $state(true);
  relayOnly = $state(false);
  frames = $state(false);
  readonly #app: App;
  #password = $state("");
  #tried = $state(false);
  #creating = $state(false);
  #problem = $state<ServerProblem | null>(null);
  #call = $state.raw<CallRecord | null>(null);

  /** `like` is the id of an earlier call whose settings to start from. */
  constructor(app: App, like: string | null) {
    this.#app = app;
    this.relayOnly = app.preferences.relayOnly;
    const model = like === null ? null : app.recent.get(like);
    if (!model) return;
    this.title = model.title;
    this.waitingRoom = model.waitingRoom;
    this.limitMs = model.limitMs;
    this.oneTime = model.oneTime;
    this.relayOnly = model.relayOnly;
    this.frames = requiresFrames(model.fragment); // the link itself says so
  }

  get password(): string {
    return this.#password;
  }

  set password(value: string) {
    this.#password = value;
    this.#tried = false; // no scolding while somebody types
  }

  /** What to say about the password, once it matters. */
  get passwordProblem(): PasswordProblem | null {
    return this.#tried && this.#password ? passwordProblem(this.#password) : null;
  }

  get creating(): boolean {
    return this.#creating;
  }

  get problem(): ServerProblem | null {
    return this.#problem;
  }

  /** The call, once it exists. */
  get call(): CallRecord | null {
    return this.#call;
  }

  suggestPassword(): void {
    this.password = suggestPassword(secureRandom);
  }

  /** False when the form must be corrected first. */
  async create(): Promise<boolean> {
    this.#tried = true;
    this.#problem = null;
    if (this.passwordProblem) return false;
    this.#creating = true;
    try {
      const { createCall } = await import("./create.ts");
      const { title, password, waitingRoom, limitMs, ttlMs, oneTime, relayOnly, frames } = this;
      const plan = { title, password, waitingRoom, limitMs, ttlMs, oneTime, relayOnly, frames };
      this.#call = await createCall(plan, this.#app.token.value);
      this.#app.recent.put(this.#call);
    } catch (error) {
      const problem = await problemOf(error);
      if (!this.#app.token.wants(problem)) this.#problem = problem;
    } finally {
      this.#creating = false;
    }
    return true;
  }

  enter(): void {
    if (!this.#call) return;
    this.#app.tabLink.set(this.#call.fragment);
    this.#app.router.go("/c");
  }
}
