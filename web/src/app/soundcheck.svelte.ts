import type { EchoVerdict } from "../engine/checks/echo.ts";
import { MicrophoneCheck, type MicVerdict } from "../engine/checks/microphone.ts";
import { probeEcho, record, replay, type Take } from "../engine/checks/take.ts";
import { dimmest, type Light } from "../engine/checks/verdict.ts";
import { playTestSound } from "./chime.ts";
import type { MediaModel } from "./media.svelte.ts";
import { speakerOutput } from "./speaker.ts";

/** How long somebody records, s: a sentence. */
const RECORD_S = 5;

/** What goes on: one thing at a time, since each of them would hear the others. */
export type SoundStep = "idle" | "recording" | "replaying" | "chime" | "echo";

/** What was found, in lights; null: not checked. */
export interface SoundLights {
  readonly mic: Light | null;
  readonly speaker: Light | null;
}

/**
 * Microphone, speaker and echo before a call. The recording is in the memory of this page, is played to the person who made
 * it, and is gone with {@link close}.
 */
export class SoundCheck {
  readonly #media: MediaModel;
  #run: AbortController | null = null;
  #take: Take | null = null;
  #step = $state<SoundStep>("idle");
  #since = $state(0); // of this step, 0…1
  #verdict = $state.raw<MicVerdict | null>(null);
  #echo = $state.raw<EchoVerdict | null>(null);
  #asked = $state(false); // the sound was played to its end
  #heard = $state<boolean | null>(null);
  #recorded = $state(false);
  #failed = $state<"mic" | "speaker" | "echo" | null>(null);

  constructor(media: MediaModel) {
    this.#media = media;
  }

  get step(): SoundStep {
    return this.#step;
  }
  /** How far the recording or its playback is, 0…1. */
  get progress(): number {
    return this.#since;
  }
  /** Of what was recorded; while recording, of what was heard so far. */
  get mic(): MicVerdict | null {
    return this.#verdict;
  }
  get recorded(): boolean {
    return this.#recorded;
  }
  /** Whether the test sound was heard, as the person said; null: not asked, or not answered yet. */
  get heard(): boolean | null {
    return this.#heard;
  }
  get asked(): boolean {
    return this.#asked;
  }
  get echo(): EchoVerdict | null {
    return this.#echo;
  }
  get lights(): SoundLights {
    const heard = this.#heard === null ? [] : [this.#heard ? ("good" as const) : ("poor" as const)];
    const speaker = [...heard, ...(this.#echo ? [this.#echo.light] : [])];
    return { mic: this.#verdict?.light ?? null, speaker: speaker.length > 0 ? dimmest(speaker) : null };
  }
  /** What this browser or this device would not do. */
  get failed(): "mic" | "speaker" | "echo" | null {
    return this.#failed;
  }
  /** There is a microphone to check. */
  get possible(): boolean {
    return this.#media.now.voice !== null;
  }

  /** Records for five seconds and plays it back. */
  async record(): Promise<void> {
    const track = this.#media.now.voice;
    if (!track) return;
    this.#forget();
    await this.#do("recording", "mic", async (signal) => {
      let check: MicrophoneCheck | null = null;
      let heard = 0;
      const hear = (block: Float32Array, rate: number) => {
        check ??= new MicrophoneCheck(rate);
        check.push(block);
        heard += block.length;
        this.#since = Math.min(1, heard / rate / RECORD_S);
        this.#verdict = check.verdict;
      };
      const take = await record(track, RECORD_S, hear, signal);
      // Not one block: whatever it is, it is silent.
      this.#verdict ??= { light: "poor", finding: "silent" };
      this.#take = take;
      this.#recorded = true;
    });
    if (this.#recorded) await this.replay();
  }

  async replay(): Promise<void> {
    const take = this.#take;
    if (!take) return;
    await this.#do("replaying", "speaker", (signal) => {
      const begun = performance.now();
      const draw = () => {
        if (signal.aborted || this.#step !== "replaying") return;
        this.#since = Math.min(1, (performance.now() - begun) / 1000 / RECORD_S);
        requestAnimationFrame(draw);
      };
      draw();
      return replay(take, speakerOutput(this.#media.now.speakerId), signal);
    });
  }

  /** Plays a sound and asks. */
  async chime(): Promise<void> {
    this.#heard = null;
    this.#asked = false;
    await this.#do("chime", "speaker", async () => {
      await playTestSound(this.#media.now.speakerId);
      this.#asked = true;
    });
  }

  answer(heard: boolean): void {
    this.#heard = heard;
  }

  /** Five chirps, and what comes back of them. */
  async probe(): Promise<void> {
    const track = this.#media.now.voice;
    if (!track) return;
    this.#echo = { light: "working", finding: "measuring" };
    const done = await this.#do("echo", "echo", async (signal) => {
      this.#echo = await probeEcho(track, speakerOutput(this.#media.now.speakerId), signal);
    });
    if (!done) this.#echo = null;
  }

  /** Ends what goes on; what was found stays. */
  stop(): void {
    this.#run?.abort();
    this.#run = null;
    this.#step = "idle";
  }

  close(): void {
    this.stop();
    this.#forget();
  }

  #forget(): void {
    this.#take = null;
    this.#recorded = false;
    this.#verdict = null;
  }

  /** False if it was stopped or could not be done. */
  async #do(
    step: SoundStep,
    part: "mic" | "speaker" | "echo",
    act: (signal: AbortSignal) => Promise<void>,
  ): Promise<boolean> {
    this.stop();
    const run = (this.#run = new AbortController());
    this.#step = step;
    this.#since = 0;
    this.#failed = null;
    try {
      await act(run.signal);
      return !run.signal.aborted;
    } catch {
      // Whatever the browser refuses, the person can do the same: another device, another browser.
      if (!run.signal.aborted) this.#failed = part;
      return false;
    } finally {
      if (run === this.#run) this.stop();
    }
  }
}
