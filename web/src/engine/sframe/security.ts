import type { SFrameState } from "../../protocol/sealed.gen.ts";
import { Scope } from "../scope.ts";
import type { CallState } from "../state.ts";
import type { SFrameStatus } from "../types.ts";
import type { FrameGuard } from "./guard.ts";
import type { FrameLayer } from "./layer.ts";

const LOOK_MS = 300;
/** No second handshake for fresh keys before the first has had its time. */
const ASK_MS = 10_000;

interface FrameSecurityConfig {
  readonly state: CallState;
  readonly layer: FrameLayer | null;
  /** Nobody may talk without. */
  readonly required: boolean;
  /** Of the peer connection in use. */
  guard(): FrameGuard | null;
  /** What {@link FrameSecurity.says} has changed. */
  changed(): void;
  /** A re-key has to bring others. */
  needsKeys(): void;
  /** It failed, and it was required. */
  end(): void;
}

/** How frame encryption stands in a conversation: what this side has verified, what the other says it has. */
export class FrameSecurity {
  readonly #config: FrameSecurityConfig;
  readonly #scope = new Scope();
  #failed = false;
  #theirs: SFrameState | undefined;
  #looking = false;
  #asked = -Infinity;

  constructor(config: FrameSecurityConfig) {
    this.#config = config;
    if (config.layer) this.#scope.interval(() => void this.#look(), LOOK_MS);
    this.update();
  }

  /** For the message `state`; undefined while nothing has been received. */
  get says(): SFrameState | undefined {
    const { layer } = this.#config;
    if (this.#failed) return "failed";
    if (!layer || layer.off) return "off";
    return this.#config.guard()?.verified ? "active" : undefined;
  }

  theySay(theirs: SFrameState | undefined): void {
    this.#theirs = theirs;
    this.update();
  }

  /** A stream failed. */
  fail(): void {
    this.#failed = true;
    this.update();
    this.#config.changed();
    if (this.#config.required) this.#config.end();
  }

  /** Frames come under keys that are not here, or ours are lost. */
  askKeys(): void {
    this.update();
    const now = performance.now();
    if (now - this.#asked < ASK_MS) return;
    this.#asked = now;
    this.#config.needsKeys();
  }

  /** Another peer connection begins: with fresh transforms. */
  renew(): void {
    this.#failed = false;
    this.#theirs = undefined;
    this.update();
  }

  /** Both directions are encrypted only if both sides have verified what they receive. */
  update(): void {
    const ours = this.says;
    const status: SFrameStatus =
      ours === "failed" || this.#theirs === "failed"
        ? "failed"
        : ours === "off"
          ? "off"
          : ours === "active" && this.#theirs === "active"
            ? "active"
            : "pending";
    const { state } = this.#config;
    if (state.view.security.sframe !== status) state.set({ security: { ...state.view.security, sframe: status } });
  }

  close(): void {
    this.#scope.close();
  }

  async #look(): Promise<void> {
    const guard = this.#config.guard();
    if (this.#looking || !guard) return;
    this.#looking = true;
    try {
      await guard.look();
    } finally {
      this.#looking = false;
    }
  }
}
