import type { EffectChoice } from "./choice.ts";

/** What the page and the vision worker say to each other about effects. */
export type EffectRequest =
  | { readonly t: "effects"; readonly choice: EffectChoice }
  /** Frames come and go by streams, where a browser has them. A new source replaces the old one; null: none for now. */
  | { readonly t: "sink"; readonly frames: WritableStream<VideoFrame> }
  | { readonly t: "source"; readonly frames: ReadableStream<VideoFrame> | null }
  /** Elsewhere the worker asks for each picture when it is time for one. */
  | { readonly t: "pulse"; readonly on: boolean }
  | { readonly t: "picture"; readonly picture: ImageBitmap | null }; // null: there is none just now

export type EffectAnswer =
  | { readonly t: "state"; readonly state: "loading" | "on" | "reduced" | "slow" | "failed" }
  | { readonly t: "time" } // for the next picture
  | { readonly t: "drawn"; readonly picture: ImageBitmap };
