/** What the page and the vision worker say to each other about faces. */

/** A place in a picture: 0…1 from its left and from its top, as the camera sees it (not mirrored). */
export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Box extends Point {
  readonly width: number; // of the picture's width
  readonly height: number; // of the picture's height
}

export interface Face {
  readonly box: Box; // from the brows to the chin
  readonly keypoints: Keypoints;
  readonly score: number; // 0…1
}

/** "Right" and "left" are the person's own. */
export interface Keypoints {
  readonly rightEye: Point;
  readonly leftEye: Point;
  readonly nose: Point;
  readonly mouth: Point;
  readonly rightEar: Point;
  readonly leftEar: Point;
}

/** A small picture of how bright it is, row by row, 0…255. */
export interface Grey {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8ClampedArray<ArrayBuffer>;
}

export interface Sight {
  readonly faces: readonly Face[]; // the surest first
  readonly grey: Grey;
}

export type FaceRequest =
  | { readonly t: "faces" } // load what is needed
  | { readonly t: "look"; readonly picture: ImageBitmap };

export type FaceAnswer =
  | { readonly t: "ready" }
  | { readonly t: "failed"; readonly reason: string } // for the log: it could not be loaded
  | { readonly t: "sight"; readonly sight: Sight | null }; // null: this picture could not be read
