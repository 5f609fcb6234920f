import { moveByDrag, moveByKey, nextStop, underLens, type Place } from "./selfplace.ts";

/** A press that trembles by less, in px, is still a press. */
const slop = 4;

/** The self view as a person moves it: by dragging, by pressing, by key. */
export class SelfPlace {
  #home = $state.raw<Place>(underLens);
  #moved = $state.raw<Place | null>(null);
  #held: { x: number; y: number; from: Place; moved: boolean } | null = null;

  get place(): Place {
    return this.#moved ?? this.#home;
  }

  /** Where it is until somebody moves it. */
  set home(place: Place) {
    this.#home = place;
  }

  grab(x: number, y: number): void {
    this.#held = { x, y, from: this.place, moved: false };
  }

  drag(x: number, y: number, free: { width: number; height: number }): void {
    const held = this.#held;
    if (!held) return;
    const [dx, dy] = [x - held.x, y - held.y];
    held.moved ||= Math.hypot(dx, dy) > slop;
    if (held.moved) this.#moved = moveByDrag(held.from, dx, dy, free);
  }

  drop(): void {
    this.#held = null;
  }

  /** The click that follows a drag only ends it. */
  press(): void {
    if (!this.#held?.moved) this.#moved = nextStop(this.place);
    this.drop();
  }

  /** True if the key moved it. */
  key(key: string): boolean {
    const moved = moveByKey(this.place, key);
    if (moved) this.#moved = moved;
    return moved !== null;
  }
}
