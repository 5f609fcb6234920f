import { Emitter } from "../emitter.ts";

/** A microphone without its noise. */
export interface Cleaned {
  readonly track: MediaStreamTrack;
  /** Sound comes out. Browsers hold it back until the page was touched, and phones during a telephone call. */
  readonly running: boolean;
  /** It will never run again. */
  readonly broken: boolean;
  on(event: "change", listener: () => void): () => void;
  /** Asks the browser again to let it run. */
  wake(): void;
  close(): void;
}

export interface Cleaner {
  clean(raw: MediaStreamTrack): Promise<Cleaned>;
}

interface VoiceEvents {
  /** {@link Voice.track} is another one. */
  change: undefined;
  /** The cleaning cannot be done here. */
  failed: undefined;
}

/**
 * What a microphone hands out: its own track, or a cleaned one in its place as soon as that runs. There is always one of
 * the two, so that nobody is silenced by what should make them clearer.
 */
export class Voice extends Emitter<VoiceEvents> {
  readonly #load: () => Promise<Cleaner>;
  #cleaner: Promise<Cleaner> | null = null;
  #raw: MediaStreamTrack | null = null;
  #strong = false;
  #cleaned: Cleaned | null = null;
  #turn = 0; // counts uses: a later one wins over an earlier that is ready late

  /** `load` is called when the first microphone is to be cleaned. */
  constructor(load: () => Promise<Cleaner>) {
    super();
    this.#load = load;
  }

  get track(): MediaStreamTrack | null {
    return this.#cleaned?.running ? this.#cleaned.track : this.#raw;
  }

  /** The track it hands out is a cleaned one. */
  get cleaning(): boolean {
    return this.#cleaned?.running ?? false;
  }

  /** From now on this microphone, and whether it is cleaned. */
  use(raw: MediaStreamTrack | null, strong: boolean): void {
    if (raw === this.#raw && strong === this.#strong) return this.#cleaned?.wake();
    this.#raw = raw;
    this.#strong = strong;
    this.#turn++;
    this.#release();
    if (raw && strong) void this.#clean(raw, this.#turn);
  }

  close(): void {
    this.use(null, false);
  }

  #release(): void {
    this.#cleaned?.close();
    this.#cleaned = null;
  }

  async #clean(raw: MediaStreamTrack, turn: number): Promise<void> {
    let cleaned: Cleaned;
    try {
      this.#cleaner ??= this.#load();
      cleaned = await (await this.#cleaner).clean(raw);
    } catch {
      this.#cleaner = null;
      // No AudioWorklet, or the file did not come: both are the same to who wanted it.
      if (turn === this.#turn) this.emit("failed", undefined);
      return;
    }
    if (turn !== this.#turn) return cleaned.close();
    this.#cleaned = cleaned;
    cleaned.on("change", () => {
      if (cleaned !== this.#cleaned) return;
      this.emit(cleaned.broken ? "failed" : "change", undefined);
    });
    if (cleaned.running) this.emit("change", undefined);
  }
}
