/** Eight bits a sample, row by row. */
export interface Plane {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array<ArrayBuffer>;
}

/** A picture as encoders take it (I420): brightness whole, two of colour at half the width and height. */
export interface Picture {
  readonly y: Plane;
  readonly u: Plane;
  readonly v: Plane;
  /** The planes one behind the other: what a VideoFrame is made of. */
  readonly data: Uint8Array<ArrayBuffer>;
}

export function newPlane(width: number, height: number): Plane {
  return { width, height, data: new Uint8Array(width * height) };
}

export function newPicture(width: number, height: number): Picture {
  const [w, h] = [(width + 1) >> 1, (height + 1) >> 1];
  const data = new Uint8Array(width * height + 2 * w * h);
  const part = (from: number, width: number, height: number): Plane => ({
    width,
    height,
    data: data.subarray(from, from + width * height),
  });
  return {
    y: part(0, width, height),
    u: part(width * height, w, h),
    v: part(width * height + w * h, w, h),
    data,
  };
}

/** Cameras of some systems give both colours in turns, in one plane (NV12). */
export function splitColours(both: Uint8Array, u: Plane, v: Plane): void {
  for (let i = 0, at = 0; i < u.data.length; i++, at += 2) {
    u.data[i] = both[at] as number;
    v.data[i] = both[at + 1] as number;
  }
}

/** From red, green and blue to what video carries (BT.601, 16…235). `swapped`: blue comes first. */
export function fromRgb(rgba: Uint8Array | Uint8ClampedArray, picture: Picture, swapped = false): void {
  const { y, u, v } = picture;
  const [red, blue] = swapped ? [2, 0] : [0, 2];
  for (let i = 0, at = 0; i < y.data.length; i++, at += 4) {
    const [r, g, b] = [rgba[at + red] as number, rgba[at + 1] as number, rgba[at + blue] as number];
    y.data[i] = (16_829 * r + 33_039 * g + 6_416 * b + 1_081_344) >> 16;
  }
  for (let row = 0, i = 0; row < u.height; row++) {
    for (let column = 0; column < u.width; column++, i++) {
      const at = (2 * row * y.width + 2 * column) * 4;
      const [r, g, b] = [rgba[at + red] as number, rgba[at + 1] as number, rgba[at + blue] as number];
      u.data[i] = (-9_714 * r - 19_070 * g + 28_784 * b + 8_421_376) >> 16;
      v.data[i] = (28_784 * r - 24_103 * g - 4_681 * b + 8_421_376) >> 16;
    }
  }
}

/** And back, with the colours at each pixel's place. */
export function toRgb({ y, u, v }: Picture, rgba: Uint8ClampedArray): void {
  for (let row = 0, i = 0; row < y.height; row++) {
    const colours = (row >> 1) * u.width;
    for (let column = 0; column < y.width; column++, i++) {
      const c = colours + (column >> 1);
      const [l, b, r] = [
        76_309 * ((y.data[i] as number) - 16),
        (u.data[c] as number) - 128,
        (v.data[c] as number) - 128,
      ];
      const at = i * 4;
      rgba[at] = (l + 104_597 * r) >> 16;
      rgba[at + 1] = (l - 25_675 * b - 53_279 * r) >> 16;
      rgba[at + 2] = (l + 132_201 * b) >> 16;
      rgba[at + 3] = 255;
    }
  }
}

/**
 * A smaller plane: each sample is the mean of four in the middle of a block of `factor` by `factor`. All of a block would
 * cost four times as much and look the same once it is blurred.
 */
export function shrink(from: Plane, to: Plane, factor: number): void {
  const inner = Math.max(0, (factor >> 1) - (factor > 1 ? 1 : 0));
  const step = factor > 1 ? 1 : 0;
  for (let y = 0, i = 0; y < to.height; y++) {
    const top = Math.min(from.height - 1, y * factor + inner) * from.width;
    const bottom = Math.min(from.height - 1, y * factor + inner + step) * from.width;
    for (let x = 0; x < to.width; x++, i++) {
      const left = Math.min(from.width - 1, x * factor + inner);
      const right = Math.min(from.width - 1, left + step);
      const { data } = from;
      const sum =
        (data[top + left] as number) +
        (data[top + right] as number) +
        (data[bottom + left] as number) +
        (data[bottom + right] as number);
      to.data[i] = (sum + 2) >> 2;
    }
  }
}

/** Half the width and height. */
export function halve(from: Picture): Picture {
  const to = newPicture(from.y.width >> 1, from.y.height >> 1);
  for (const name of ["y", "u", "v"] as const) shrink(from[name], to[name], 2);
  return to;
}
