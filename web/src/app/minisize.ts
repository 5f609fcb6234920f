/** The controls under the picture: as `.bar` in MiniView.svelte. */
const barPx = 64;
const wide = { width: 384, height: 216 };
const tall = { width: 240, height: 320 };

interface Size {
  readonly width: number;
  readonly height: number;
}

/** A small window without bars beside the picture; the browser has the last word, and the person may drag its edges. */
export function miniSize({ width, height }: Size): Size {
  if (!width || !height) return { width: wide.width, height: wide.height + barPx };
  const area = width >= height ? wide : tall;
  const scale = Math.min(area.width / width, area.height / height);
  // Four buttons beside each other need their room.
  return { width: Math.max(240, Math.round(width * scale)), height: Math.round(height * scale) + barPx };
}
