/** Below this the needle rests: the noise of a quiet room. */
const FLOOR_DB = -60;

/**
 * How loud a microphone is. It listens to a clone of the track, because a muted
 * track is silent for everybody, and the person should see that the microphone
 * works before unmuting.
 */
export class Meter {
  #context: AudioContext | null = null;
  #analyser: AnalyserNode | null = null;
  #source: MediaStreamAudioSourceNode | null = null;
  #original: MediaStreamTrack | null = null;
  #track: MediaStreamTrack | null = null; // our clone
  #samples = new Float32Array(0);

  /** Listens to this microphone from now on; null to none. */
  listen(track: MediaStreamTrack | null): void {
    if (track === this.#original) return;
    this.#release();
    this.#original = track;
    if (!track || typeof AudioContext === "undefined") return;
    this.#context ??= new AudioContext({ latencyHint: "interactive" });
    this.#analyser = this.#context.createAnalyser();
    this.#analyser.fftSize = 1024; // 21 ms at 48 kHz
    this.#samples = new Float32Array(this.#analyser.fftSize);
    this.#track = track.clone();
    this.#track.enabled = true;
    this.#source = this.#context.createMediaStreamSource(new MediaStream([this.#track]));
    this.#source.connect(this.#analyser);
  }

  /** 0…1, linear in decibels between a quiet room and full scale. */
  get level(): number {
    const context = this.#context;
    if (!this.#analyser || !context) return 0;
    // Browsers start it suspended until the page was touched.
    if (context.state === "suspended") void context.resume();
    this.#analyser.getFloatTimeDomainData(this.#samples);
    return loudness(this.#samples);
  }

  close(): void {
    this.#release();
    void this.#context?.close();
    this.#context = null;
  }

  #release(): void {
    this.#source?.disconnect();
    this.#track?.stop();
    this.#source = this.#analyser = this.#track = this.#original = null;
  }
}

/** RMS of samples in -1…1 as 0…1 on a decibel scale from {@link FLOOR_DB} to 0. */
export function loudness(samples: Float32Array): number {
  let sum = 0;
  for (const s of samples) sum += s * s;
  if (sum === 0) return 0;
  const db = 10 * Math.log10(sum / samples.length);
  return Math.min(1, Math.max(0, 1 - db / FLOOR_DB));
}
