import type { Negotiation } from "./negotiation.ts";
import type { CallState } from "./state.ts";
import { pathOf, readSample, type Sample } from "./stats.ts";

const EVERY_MS = 1_000;

/** Looks at the connection every second and shows its path. */
export class Monitor {
  readonly #state: CallState;
  readonly #negotiation: () => Negotiation | null;
  readonly #timer: ReturnType<typeof setInterval>;
  #before: Sample | null = null;

  constructor(state: CallState, negotiation: () => Negotiation | null) {
    this.#state = state;
    this.#negotiation = negotiation;
    this.#timer = setInterval(() => void this.look(), EVERY_MS);
  }

  async look(): Promise<void> {
    const negotiation = this.#negotiation();
    if (!negotiation?.connected) return;
    const report = await negotiation.pc.getStats();
    const sample = readSample(report as unknown as Iterable<[string, unknown]>);
    if (!sample || negotiation !== this.#negotiation()) return;
    const { dtls, srtpCipher } = sample;
    const security = { ...this.#state.view.security, dtls, srtpCipher };
    this.#state.set({ path: pathOf(sample, this.#before), security });
    this.#before = sample;
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
