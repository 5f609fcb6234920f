import { judgeEcho, PROBE_S, probe, type EchoVerdict } from "./echo.ts";
import { Tap, type TapBlock } from "./tap.ts";

/** What was recorded: in memory only, and gone with the last who holds it. */
export interface Take {
  readonly samples: Float32Array<ArrayBuffer>;
  readonly rate: number;
}

/** Plays a stream on the speaker of the call; resolves, once it plays, with what ends it. */
export type Output = (stream: MediaStream) => Promise<() => void>;

/** A device that was asked for sound and delivers none is not waited for longer than this, ms. */
const GRACE_MS = 3_000;

/** Records a microphone. `hear` gets every block when it comes. Rejects with an AbortError when `signal` says so. */
export async function record(
  track: MediaStreamTrack,
  seconds: number,
  hear: (block: Float32Array, rate: number) => void,
  signal: AbortSignal,
): Promise<Take> {
  const take = collector();
  const tap = await Tap.open(track, (block) => {
    take.push(block);
    hear(block.samples, tap.context.sampleRate);
  });
  try {
    const rate = tap.context.sampleRate;
    await take.until(Math.round(seconds * rate), seconds * 1000 + GRACE_MS, signal);
    return { samples: take.from(take.begin, Math.round(seconds * rate)), rate };
  } finally {
    tap.close();
  }
}

/** Plays what was recorded; resolves at its end. */
export async function replay(take: Take, output: Output, signal: AbortSignal): Promise<void> {
  const context = new AudioContext();
  try {
    const { stream, source } = player(context, take);
    const stop = await output(stream);
    try {
      await ended(context, source, 0, take.samples.length / take.rate, signal);
    } finally {
      stop();
    }
  } finally {
    void context.close();
  }
}

/**
 * Plays the chirps and listens to what comes back, as the other person would hear it: after echo cancellation. Browsers
 * cancel what they play themselves, from elements and from Web Audio, so the chirps go the way of the other
 * person's voice.
 */
export async function probeEcho(track: MediaStreamTrack, output: Output, signal: AbortSignal): Promise<EchoVerdict> {
  const take = collector();
  const tap = await Tap.open(track, (block) => take.push(block));
  const { context } = tap;
  const rate = context.sampleRate;
  try {
    const { stream, source } = player(context, { samples: probe(rate), rate });
    const stop = await output(stream);
    try {
      const at = context.currentTime + 0.1;
      const from = Math.round(at * rate);
      const length = Math.round(PROBE_S * rate);
      const heard = take.until(from + length - take.begin, PROBE_S * 1000 + GRACE_MS, signal);
      await Promise.all([heard, ended(context, source, at, PROBE_S, signal)]);
      return judgeEcho(take.from(from, length), rate);
    } finally {
      stop();
    }
  } finally {
    tap.close();
  }
}

function player(
  context: AudioContext,
  { samples, rate }: Take,
): { stream: MediaStream; source: AudioBufferSourceNode } {
  const buffer = new AudioBuffer({ length: samples.length, sampleRate: rate });
  buffer.copyToChannel(samples, 0);
  const source = new AudioBufferSourceNode(context, { buffer });
  const destination = new MediaStreamAudioDestinationNode(context, { channelCount: 1 });
  source.connect(destination);
  return { stream: destination.stream, source };
}

/** Plays to the end, or for as long as it should have taken on a device that does not play. */
async function ended(
  context: AudioContext,
  source: AudioBufferSourceNode,
  at: number,
  seconds: number,
  signal: AbortSignal,
): Promise<void> {
  await context.resume();
  await within(seconds * 1000 + GRACE_MS, signal, (done) => {
    source.addEventListener("ended", done, { once: true });
    source.start(at);
  });
}

/** Keeps blocks in the order of their coming. */
function collector() {
  const blocks: TapBlock[] = [];
  let enough: (() => void) | null = null;
  let wanted = Infinity;
  const count = () => {
    const last = blocks.at(-1);
    return last ? last.frame + last.samples.length - begin() : 0;
  };
  const begin = () => blocks[0]?.frame ?? 0;
  return {
    get begin(): number {
      return begin();
    },
    push(block: TapBlock): void {
      blocks.push(block);
      if (count() >= wanted) enough?.();
    },
    /** Resolves when there are so many samples, or when they should be there and are not. */
    async until(samples: number, ms: number, signal: AbortSignal): Promise<void> {
      wanted = samples;
      await within(ms, signal, (done) => {
        enough = done;
        if (count() >= samples) done();
      });
    },
    /** What was heard from that frame on; silence where nothing was. */
    from(frame: number, length: number): Float32Array<ArrayBuffer> {
      const all = new Float32Array(length);
      for (const block of blocks) {
        const at = block.frame - frame;
        const part = block.samples.subarray(Math.max(0, -at), Math.max(0, length - at));
        if (at < length) all.set(part, Math.max(0, at));
      }
      return all;
    },
  };
}

/** Waits for `done` to be called, at most so long. */
function within(ms: number, signal: AbortSignal, start: (done: () => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(finish, ms);
    const abort = () => (clearTimeout(timer), reject(signal.reason as Error));
    function finish(): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
      resolve();
    }
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    start(finish);
  });
}
