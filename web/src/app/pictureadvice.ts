import type { CameraVerdict } from "../engine/checks/camera.ts";
import type { SurroundingsVerdict } from "../engine/checks/surroundings.ts";
import { m } from "../i18n/paraglide/messages.js";

/** One sentence for each finding: what is so, and what to do. */
export function cameraAdvice({ finding }: CameraVerdict): string {
  switch (finding) {
    case "looking":
      return m.picture_camera_looking();
    case "covered":
      return m.picture_camera_covered();
    case "frozen":
      return m.picture_camera_frozen();
    case "small":
      return m.picture_camera_small();
    case "slow":
      return m.picture_camera_slow();
    case "good":
      return m.picture_camera_good();
  }
}

/** `framed`: faces were looked for, so that good means more than the light. */
export function surroundingsAdvice({ finding }: SurroundingsVerdict, framed: boolean): string {
  switch (finding) {
    case "looking":
      return m.picture_looking();
    case "dark":
      return m.picture_dark();
    case "backlit":
      return m.picture_backlit();
    case "clipped":
      return m.picture_clipped();
    case "sidelit":
      return m.picture_sidelit();
    case "grainy":
      return m.picture_grainy();
    case "nobody":
      return m.picture_nobody();
    case "several":
      return m.picture_several();
    case "close":
      return m.picture_close();
    case "far":
      return m.picture_far();
    case "aside":
      return m.picture_aside();
    case "high":
      return m.picture_high();
    case "low":
      return m.picture_low();
    case "tilted":
      return m.picture_tilted();
    case "good":
      return framed ? m.picture_good() : m.picture_light_good();
  }
}
