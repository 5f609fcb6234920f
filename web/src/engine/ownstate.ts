import type { HeldVideo, SFrameState, State } from "../protocol/sealed.gen.ts";
import type { OutgoingMedia, OutgoingScreen } from "./types.ts";

interface Sending {
  readonly media: OutgoingMedia;
  readonly screen: OutgoingScreen | undefined;
  readonly held: HeldVideo | null;
  readonly hidden: boolean;
  readonly sframe: SFrameState | undefined;
}

/** What this party tells the other one of what it sends. */
export function ownState({ media, screen: share, held, hidden, sframe }: Sending): State {
  const { mic, camera } = media.fates;
  const { screen = null, sound = null } = share?.tracks ?? {};
  return {
    t: "state",
    mic: media.micOn,
    cam: media.cameraOn,
    screen: screen !== null,
    ...(sound && { sound: true }),
    ...(media.music && { music: true }),
    ...(held && { held }),
    ...(hidden && { hidden }),
    ...(mic && { mic_fate: mic }),
    ...(camera && { cam_fate: camera }),
    ...(sframe && { sframe }),
  };
}
