import type { EffectState } from "../engine/effects/choice.ts";
import { m } from "../i18n/paraglide/messages.js";
import type { BackdropId } from "./effects.svelte.ts";

/** A name for each; short, they stand under small pictures. */
export function backdropName(id: BackdropId): string {
  const names: Record<BackdropId, () => string> = {
    none: m.effects_none,
    "blur-light": m.effects_blur_light,
    "blur-strong": m.effects_blur_strong,
    sand: m.effects_sand,
    slate: m.effects_slate,
    sage: m.effects_sage,
    dawn: m.effects_dawn,
    dusk: m.effects_dusk,
    study: m.effects_study,
    picture: m.effects_own,
  };
  return names[id]();
}

/** One sentence on how it goes; "" if there is nothing to say. */
export function effectState(state: EffectState): string {
  const sentences: Record<EffectState, () => string> = {
    off: () => "",
    on: () => "",
    loading: m.effects_loading,
    reduced: m.effects_reduced,
    slow: m.effects_slow,
    failed: m.effects_failed,
  };
  return sentences[state]();
}
