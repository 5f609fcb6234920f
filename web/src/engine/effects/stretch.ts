import type { Plane } from "./planes.ts";

/** Where the samples of a longer line lie between those of a shorter one: left neighbour, and the right one's share of 256. */
export class Stretch {
  readonly from: number;
  readonly to: number;
  readonly index: Uint16Array;
  readonly share: Uint16Array;
  /** The first sample with each left neighbour; one more at the end. */
  readonly starts: Uint16Array;

  constructor(from: number, to: number) {
    this.from = from;
    this.to = to;
    this.index = new Uint16Array(to);
    this.share = new Uint16Array(to);
    for (let i = 0; i < to; i++) {
      const at = Math.min(from - 1, Math.max(0, ((i + 0.5) * from) / to - 0.5));
      const left = Math.min(Math.floor(at), Math.max(0, from - 2));
      this.index[i] = left;
      this.share[i] = Math.round((at - left) * 256);
    }
    this.starts = new Uint16Array(from + 1).fill(to);
    for (let i = to - 1; i >= 0; i--) this.starts[this.index[i] as number] = i;
    for (let cell = from - 1; cell >= 0; cell--)
      this.starts[cell] = Math.min(this.starts[cell] as number, this.starts[cell + 1] as number);
  }
}

/** Keeps what was worked out for each pair of lengths; there are only a few. */
export class Stretches {
  readonly #made = new Map<number, Stretch>();

  get(from: number, to: number): Stretch {
    const key = from * 65_536 + to;
    let stretch = this.#made.get(key);
    if (!stretch) this.#made.set(key, (stretch = new Stretch(from, to)));
    return stretch;
  }
}

/** The line of a plane that lies at line `y` of a higher one. `out` is as wide as the plane. */
export function lineAt(plane: Plane, rows: Stretch, y: number, out: Uint8Array): void {
  const { width, height, data } = plane;
  const top = (rows.index[y] as number) * width;
  const share = height > 1 ? (rows.share[y] as number) : 0;
  if (share === 0) {
    for (let x = 0; x < width; x++) out[x] = data[top + x] as number;
    return;
  }
  const bottom = top + width;
  const rest = 256 - share;
  for (let x = 0; x < width; x++)
    out[x] = ((data[top + x] as number) * rest + (data[bottom + x] as number) * share) >> 8;
}

/** A whole plane, smoothly, at another size. */
export function resample(from: Plane, to: Plane, stretches: Stretches): void {
  const columns = stretches.get(from.width, to.width);
  const rows = stretches.get(from.height, to.height);
  const line = new Uint8Array(from.width + 1);
  for (let y = 0, i = 0; y < to.height; y++) {
    lineAt(from, rows, y, line);
    line[from.width] = line[from.width - 1] as number;
    for (let x = 0; x < to.width; x++, i++) {
      const at = columns.index[x] as number;
      const share = columns.share[x] as number;
      to.data[i] = ((line[at] as number) * (256 - share) + (line[at + 1] as number) * share) >> 8;
    }
  }
}
