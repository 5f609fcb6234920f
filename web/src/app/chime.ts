import { speakerOutput } from "./speaker.ts";

/** Two soft notes, a fourth apart, like a doorbell: Hz and start in seconds. */
const notes = [
  { hz: 587.33, at: 0 },
  { hz: 440, at: 0.28 },
] as const;

const peakGain = 0.18;
const decaySeconds = 0.9;

/**
 * Plays the doorbell once. A page that nobody has touched yet may stay silent:
 * browsers hold an AudioContext until the first click.
 */
export function playChime(context: BaseAudioContext, destination: AudioNode): void {
  for (const { hz, at } of notes) {
    const start = context.currentTime + at;
    const tone = new OscillatorNode(context, { type: "sine", frequency: hz });
    const gain = new GainNode(context, { gain: 0 });
    gain.gain.setValueAtTime(0, start);
    gain.gain.linearRampToValueAtTime(peakGain, start + 0.02);
    gain.gain.exponentialRampToValueAtTime(0.0001, start + decaySeconds);
    tone.connect(gain).connect(destination);
    tone.start(start);
    tone.stop(start + decaySeconds);
  }
}

/** Plays the doorbell on the chosen speaker and lets go of it afterwards. */
export async function playTestSound(sinkId: string): Promise<void> {
  const context = new AudioContext();
  const output = new MediaStreamAudioDestinationNode(context);
  try {
    const stop = await speakerOutput(sinkId)(output.stream);
    playChime(context, output);
    await new Promise((done) => setTimeout(done, (decaySeconds + 0.6) * 1000));
    stop();
  } finally {
    await context.close();
  }
}
