/** What can stand behind a person. `picture` is their own; it never leaves the device but in what is sent of the camera. */
export type Backdrop =
  | { readonly kind: "none" }
  | { readonly kind: "blur"; readonly strength: "light" | "strong" }
  | { readonly kind: "colour"; readonly colour: string } // #rrggbb
  | { readonly kind: "scene"; readonly scene: SceneName }
  | { readonly kind: "picture"; readonly picture: Blob };

export const sceneNames = ["dawn", "dusk", "study"] as const;
export type SceneName = (typeof sceneNames)[number];

/** What this person wants of their picture. */
export interface EffectChoice {
  readonly backdrop: Backdrop;
  readonly light: boolean; // lift it when it is too dark
}

export const noEffects: EffectChoice = { backdrop: { kind: "none" }, light: false };

export function isPlain({ backdrop, light }: EffectChoice): boolean {
  return backdrop.kind === "none" && !light;
}

/**
 * How it goes. `loading`: everything is behind the backdrop until the person is found. `reduced`: this machine is busy, so
 * less is done. `slow`: it could not keep up, and nothing is done any more. `failed`: it cannot be had here.
 */
export type EffectState = "off" | "loading" | "on" | "reduced" | "slow" | "failed";
