/** Where the self view stands in its area: 0 is the left or top edge, 1 the right or bottom one. */
export interface Place {
  readonly x: number;
  readonly y: number;
}

export const underLens: Place = { x: 0.5, y: 0 };

/** Under the lens first, then the corners: the stops for people who do not drag (WCAG 2.5.7). */
export const stops: readonly Place[] = [underLens, { x: 1, y: 0 }, { x: 1, y: 1 }, { x: 0, y: 1 }, { x: 0, y: 0 }];

const step = 0.05;

const arrows: Readonly<Record<string, Place>> = {
  ArrowLeft: { x: -step, y: 0 },
  ArrowRight: { x: step, y: 0 },
  ArrowUp: { x: 0, y: -step },
  ArrowDown: { x: 0, y: step },
};

/** The place after an arrow key, or null for any other key. */
export function moveByKey(place: Place, key: string): Place | null {
  const by = arrows[key];
  return by ? { x: clamp(place.x + by.x), y: clamp(place.y + by.y) } : null;
}

/** The place after a drag by `dx`, `dy` px where `free` px can be moved through. */
export function moveByDrag(place: Place, dx: number, dy: number, free: { width: number; height: number }): Place {
  return {
    x: free.width > 0 ? clamp(place.x + dx / free.width) : place.x,
    y: free.height > 0 ? clamp(place.y + dy / free.height) : place.y,
  };
}

/** The stop after the one that is nearest. */
export function nextStop(place: Place): Place {
  const distance = (stop: Place) => Math.hypot(stop.x - place.x, stop.y - place.y);
  const nearest = stops.reduce((best, stop, i) => (distance(stop) < distance(stops[best] ?? stop) ? i : best), 0);
  return stops[(nearest + 1) % stops.length] ?? underLens;
}

function clamp(value: number): number {
  return Math.min(1, Math.max(0, value));
}
