import { FlagSFrameRequired, parseFragment } from "../engine/e2ee/link.ts";

/** The link turns away who cannot encrypt media frames. */
export function requiresFrames(fragment: string): boolean {
  return (parseFragment(fragment).flags & FlagSFrameRequired) !== 0;
}
