import { Call } from "../engine/call.ts";
import { stretchPassword } from "../engine/e2ee/password.ts";
import type { Link } from "../engine/e2ee/link.ts";
import { LocalMedia } from "../engine/media.ts";
import { ScreenShare } from "../engine/screenshare.ts";
import type { CallOptions, DevicePrefs } from "../engine/types.ts";
import type { CallLike } from "./call.svelte.ts";
import type { MediaLike } from "./media.svelte.ts";
import type { ShareLike } from "./share.svelte.ts";

/** What the call page needs of the engine; a test may script it. */
export interface Engine {
  call(options: CallOptions): CallLike;
  media(prefs: DevicePrefs): MediaLike;
  screen(): ShareLike;
  stretch(link: Link, password: string): Promise<Uint8Array>;
}

/** Loaded when somebody wants it. */
const noiseFilter = async () => new (await import("../engine/sound/noisefilter.ts")).NoiseFilter();

export const engine: Engine = {
  call: (options) => new Call(options),
  // The engine types its options by class, so only the real thing fits: see CallOptions.media.
  media: (prefs) => new LocalMedia(prefs, noiseFilter),
  screen: () => new ScreenShare(),
  stretch: stretchPassword,
};
