import { newPlane, type Picture, type Plane } from "./planes.ts";
import { resample, type Stretches } from "./stretch.ts";

/** Brightness as video carries it: black and white of BT.601. */
const [BLACK, WHITE] = [16, 235];
/** Darker than this on average, 0…1, a face is hard to read; as bright as that it is not. */
const DARK = 0.33;
const BRIGHT = 0.42;
/** More would show little but the camera's noise. */
const STRONGEST = 0.5; // exponent
/** The share of a new reading: light comes and goes slowly, or the picture would pump. */
const PACE = 0.08;
const SURE = 200; // of 255: the person

/**
 * Lifts a picture that is too dark: middle tones most, black and white not at all, colours along with them. Judges by the
 * person if it is known where they are, so that a window behind them does not count.
 */
export class Light {
  #exponent = 1;
  #tones: Uint8Array<ArrayBuffer> | null = null;
  #colours: Uint8Array<ArrayBuffer> | null = null;
  #person: Plane = newPlane(1, 1);

  /** How much it lifts: 1 nothing, 0.5 most. */
  get exponent(): number {
    return this.#exponent;
  }

  /** Reads a small picture of this frame; `mask` of any size, null: nobody has been looked for. */
  read(luma: Plane, mask: Plane | null, stretches: Stretches): void {
    let person: Plane | null = null;
    if (mask) {
      if (this.#person.width !== luma.width || this.#person.height !== luma.height)
        this.#person = newPlane(luma.width, luma.height);
      resample(mask, (person = this.#person), stretches);
    }
    const wanted = exponentFor(brightness(luma, person));
    this.#exponent += PACE * (wanted - this.#exponent);
    if (this.#exponent > 0.98) this.#tones = this.#colours = null;
    else [this.#tones, this.#colours] = tablesFor(this.#exponent);
  }

  /** Changes the picture in place. */
  lift({ y, u, v }: Picture): void {
    if (!this.#tones || !this.#colours) return;
    replace(y.data, this.#tones);
    replace(u.data, this.#colours);
    replace(v.data, this.#colours);
  }
}

/** Mean brightness, 0…1, of the person if enough of them is seen, else of all. */
export function brightness(luma: Plane, person: Plane | null): number {
  let [all, theirs, count] = [0, 0, 0];
  for (let i = 0; i < luma.data.length; i++) {
    const value = luma.data[i] as number;
    all += value;
    if (person && (person.data[i] as number) > SURE) {
      theirs += value;
      count++;
    }
  }
  const mean = count > luma.data.length / 50 ? theirs / count : all / luma.data.length;
  return Math.min(1, Math.max(0, (mean - BLACK) / (WHITE - BLACK)));
}

/** The power that makes `mean` as bright as it should be; 1 where it is bright enough. */
export function exponentFor(mean: number): number {
  if (mean >= DARK) return 1;
  return Math.max(STRONGEST, Math.log(BRIGHT) / Math.log(Math.max(mean, 0.01)));
}

function tablesFor(exponent: number): [Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>] {
  const span = WHITE - BLACK;
  const tones = Uint8Array.from({ length: 256 }, (_, value) => {
    const part = (value - BLACK) / span;
    return part <= 0 || part >= 1 ? value : Math.round(BLACK + span * part ** exponent);
  });
  const gain = 1 + 0.5 * (1 - exponent); // colours pale otherwise
  const colours = Uint8Array.from({ length: 256 }, (_, value) =>
    Math.min(255, Math.max(0, Math.round(128 + (value - 128) * gain))),
  );
  return [tones, colours];
}

function replace(data: Uint8Array, table: Uint8Array): void {
  for (let i = 0; i < data.length; i++) data[i] = table[data[i] as number] as number;
}
