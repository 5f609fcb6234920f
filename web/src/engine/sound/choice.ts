/** What becomes of the noise around a voice: the browser's own cleaning, RNNoise in its place, or nothing. */
export type NoiseMode = "browser" | "strong" | "off";

/** How a person wants to sound. */
export interface SoundChoice {
  readonly noise: NoiseMode;
  /** For an instrument: everything that was made for speech is off. */
  readonly music: boolean;
}

/** What to ask of a microphone. RNNoise gets what the browser has not cleaned, but an echo is always the browser's to cancel. */
export function soundConstraints({ noise, music }: SoundChoice): MediaTrackConstraints {
  if (music) {
    return {
      echoCancellation: false,
      noiseSuppression: false,
      autoGainControl: false,
      channelCount: { ideal: 2 },
    };
  }
  return { echoCancellation: true, noiseSuppression: noise === "browser", autoGainControl: true };
}

/** What two choices have in common, as far as the device is concerned: it need not be opened anew. */
export function soundsAlike(a: SoundChoice, b: SoundChoice): boolean {
  return JSON.stringify(soundConstraints(a)) === JSON.stringify(soundConstraints(b));
}
