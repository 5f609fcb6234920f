import { isDOMException } from "../realm.ts";

/** What everything here is made for; Opus and microphones work at this rate, too. */
const RATE = 48_000;

/** A context that hears a track. Whoever opens it closes it. */
export interface Listening {
  readonly context: AudioContext;
  readonly source: MediaStreamAudioSourceNode;
}

/**
 * Firefox takes a microphone only at the rate of its device: then the context gets that one. Throws where there is no
 * Web Audio, or the track is over.
 */
export function listenTo(track: MediaStreamTrack): Listening {
  const open = (options: AudioContextOptions): Listening => {
    const context = new AudioContext({ latencyHint: "interactive", ...options });
    try {
      return { context, source: context.createMediaStreamSource(new MediaStream([track])) };
    } catch (error) {
      void context.close();
      throw error;
    }
  };
  try {
    return open({ sampleRate: RATE });
  } catch (error) {
    if (!isDOMException(error)) throw error;
    return open({});
  }
}
