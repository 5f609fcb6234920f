/**
 * Plays sound on the chosen speaker: through an element, since that is what can choose one everywhere. Resolves, once it
 * plays, with what ends it. "" is the system's default.
 */
export function speakerOutput(sinkId: string): (stream: MediaStream) => Promise<() => void> {
  return async (stream) => {
    const element = new Audio();
    element.srcObject = stream;
    const stop = () => void (element.srcObject = null);
    try {
      if (sinkId && "setSinkId" in element) await element.setSinkId(sinkId);
      await element.play();
    } catch (error) {
      stop();
      throw error;
    }
    return stop;
  };
}
