import { FIRST_LINES, type Plan } from "./plan.ts";
import { isDOMException } from "../realm.ts";

// Of webrtc-extensions and webrtc-svc; TypeScript's DOM library lacks them.
interface Encoding extends RTCRtpEncodingParameters {
  adaptivePtime?: boolean;
  scalabilityMode?: string;
  codec?: RTCRtpCodec;
}
interface Parameters extends RTCRtpSendParameters {
  encodings: Encoding[];
  degradationPreference?: "maintain-framerate" | "maintain-resolution";
}

/**
 * Sound before pictures, and pictures in three temporal layers (L1T3): of four frames only one is needed by all that
 * follow, so a lost packet mostly costs one frame instead of everything until it has come again. At 20 % loss and a
 * round trip of 50 ms that is the difference between one freeze in twelve seconds and ten.
 */
export async function prime(mic: RTCRtpSender, camera: RTCRtpSender): Promise<void> {
  await change(mic, (_, encoding) => Object.assign(encoding, { priority: "high", networkPriority: "high" }));
  await change(camera, (parameters, encoding) => {
    // A face is spoken with: motion counts more than detail.
    parameters.degradationPreference = "maintain-framerate";
    encoding.scalabilityMode = "L1T3";
    encoding.scaleResolutionDownBy = scaleTo(FIRST_LINES, camera.track);
  });
}

/** As a part of the lines there are: the browser may not have followed yet, or cannot. A camera has 720 until it says. */
export function scaleTo(lines: number, track: MediaStreamTrack | null): number {
  const { width = 0, height = 0 } = track?.getSettings() ?? {};
  return Math.max(1, (Math.min(width, height) || 720) / lines);
}

export function setAudio(sender: RTCRtpSender, { kbps, longFrames }: Plan["audio"]): Promise<boolean> {
  return change(sender, (_, encoding) => {
    encoding.maxBitrate = kbps * 1000;
    encoding.adaptivePtime = longFrames;
  });
}

export function setVideo(sender: RTCRtpSender, video: Plan["video"], scale: number): Promise<boolean> {
  return change(sender, (parameters, encoding) => {
    encoding.active = video.active;
    encoding.maxBitrate = video.kbps * 1000;
    encoding.maxFramerate = video.fps;
    encoding.scaleResolutionDownBy = scale;
    // Only from VP9 and back: the first one negotiated needs no word.
    const codec = parameters.codecs.find((c) => c.mimeType.toUpperCase() === `VIDEO/${video.codec}`);
    if (codec && (encoding.codec || video.codec !== "VP9")) encoding.codec = codec;
  });
}

/** For a screen that is sent beside the camera: how it is encoded is its own affair. */
export function setActive(sender: RTCRtpSender, active: boolean): Promise<boolean> {
  return change(sender, (_, encoding) => void (encoding.active = active));
}

/** False if the browser would not: then everything is as it was. */
async function change(sender: RTCRtpSender, edit: (p: Parameters, e: Encoding) => void): Promise<boolean> {
  const parameters = sender.getParameters() as Parameters;
  const [encoding] = parameters.encodings ?? [];
  if (!encoding) return false; // not negotiated yet, or Firefox before version 110
  edit(parameters, encoding);
  try {
    await sender.setParameters(parameters);
    return true;
  } catch (error) {
    // Closed meanwhile, or a mode that the codec of the moment does not have.
    if (!isDOMException(error)) throw error;
    return false;
  }
}
