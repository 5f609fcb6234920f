/** Verification words (short authentication string): what two people compare aloud. */
export interface Sas {
  /** Five indices, 0…63. */
  readonly emoji: readonly number[];
  /** Their English names. */
  readonly words: readonly string[];
  /** Nine digits, shown 3-3-3. */
  readonly digits: string;
}

// The order is part of the protocol: never reorder, never replace.
const NAMES: readonly string[] = (
  "anchor apple balloon bell bicycle book boot bridge broom butterfly cactus cake camera candle carrot castle " +
  "cheese cherries clock cloud compass crab crown drum duck elephant fire fish flag fork fox guitar " +
  "hammer hat helicopter horse house key kite ladder lamp lemon lion lock magnet moon mountain mushroom " +
  "octopus owl panda pencil penguin piano rocket rose sailboat scissors snail star sun tractor turtle umbrella"
).split(" ");

/** The English name of an emoji, 0…63. */
export function emojiName(index: number): string {
  const name = NAMES[index];
  if (name === undefined) throw new RangeError("no such emoji");
  return name;
}

/** Reads the 8 bytes of key material that the words come from. */
export function sasFrom(bytes: Uint8Array): Sas {
  const n = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0);
  const emoji = [0, 1, 2, 3, 4].map((i) => Number((n >> BigInt(58 - 6 * i)) & 63n));
  return { emoji, words: emoji.map(emojiName), digits: (n % 1_000_000_000n).toString().padStart(9, "0") };
}
