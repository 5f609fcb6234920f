import type { Plane } from "./planes.ts";
import { lineAt, type Stretch, type Stretches } from "./stretch.ts";

/** How sure the network has to be that it sees the person: below the first it does not show, from the second on it does. */
const EDGE = { from: 0.4, to: 0.7 };

/** What shows of a pixel, 0…256, for each of 256 grades of sureness: smoothstep, so that edges are soft and stay where they are. */
export const shown: Uint16Array = Uint16Array.from({ length: 256 }, (_, grade) => {
  const t = Math.min(1, Math.max(0, (grade / 255 - EDGE.from) / (EDGE.to - EDGE.from)));
  return Math.round(256 * t * t * (3 - 2 * t));
});
const nothing = shown.findLastIndex((share) => share === 0);
const everything = shown.indexOf(256);

/**
 * Puts `behind` in the place of what is not the person, in `plane` itself. `mask` and `behind` may be smaller than the
 * plane: both are stretched. Works by cells of the mask: where it is sure of the person nothing is touched, where it is
 * sure of the contrary nothing is mixed, and that is most of a frame.
 */
export function compose(plane: Plane, mask: Plane, behind: Plane, stretches: Stretches): void {
  const { width, height } = plane;
  const cells = stretches.get(mask.width, width);
  const maskRows = stretches.get(mask.height, height);
  const rows = stretches.get(behind.height, height);
  const columns = stretches.get(behind.width, width);
  const sure = new Uint8Array(mask.width + 1);
  const back = new Uint8Array(behind.width + 1);

  for (let y = 0; y < height; y++) {
    lineAt(mask, maskRows, y, sure);
    lineAt(behind, rows, y, back);
    sure[mask.width] = sure[mask.width - 1] as number;
    back[behind.width] = back[behind.width - 1] as number;
    const line = plane.data.subarray(y * width, (y + 1) * width);
    for (let cell = 0; cell < mask.width; cell++) {
      const [left, right] = [sure[cell] as number, sure[cell + 1] as number];
      if (left >= everything && right >= everything) continue;
      const [from, to] = [cells.starts[cell] as number, cells.starts[cell + 1] as number];
      if (left <= nothing && right <= nothing) replace(line, from, to, back, columns);
      else mix(line, from, to, { left, right, cells }, back, columns);
    }
  }
}

function replace(line: Uint8Array, from: number, to: number, back: Uint8Array, { index, share }: Stretch): void {
  for (let x = from; x < to; x++) {
    const at = index[x] as number;
    const part = share[x] as number;
    line[x] = ((back[at] as number) * (256 - part) + (back[at + 1] as number) * part) >> 8;
  }
}

interface Cell {
  readonly left: number;
  readonly right: number;
  readonly cells: Stretch;
}

function mix(line: Uint8Array, from: number, to: number, cell: Cell, back: Uint8Array, columns: Stretch): void {
  for (let x = from; x < to; x++) {
    const between = cell.cells.share[x] as number;
    const alpha = shown[(cell.left * (256 - between) + cell.right * between) >> 8] as number;
    const at = columns.index[x] as number;
    const part = columns.share[x] as number;
    const behind = ((back[at] as number) * (256 - part) + (back[at + 1] as number) * part) >> 8;
    line[x] = ((line[x] as number) * alpha + behind * (256 - alpha)) >> 8;
  }
}
