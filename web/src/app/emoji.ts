import { m } from "../i18n/paraglide/messages.js";

/**
 * The glyphs of the 64 verification words, by the English keys of the protocol.
 * Keys, not positions, so that a reordered table cannot show a wrong picture.
 */
const glyphs: Readonly<Record<string, string>> = {
  anchor: "⚓",
  apple: "🍎",
  balloon: "🎈",
  bell: "🔔",
  bicycle: "🚲",
  book: "📖",
  boot: "👢",
  bridge: "🌉",
  broom: "🧹",
  butterfly: "🦋",
  cactus: "🌵",
  cake: "🎂",
  camera: "📷",
  candle: "🕯️",
  carrot: "🥕",
  castle: "🏰",
  cheese: "🧀",
  cherries: "🍒",
  clock: "⏰",
  cloud: "☁️",
  compass: "🧭",
  crab: "🦀",
  crown: "👑",
  drum: "🥁",
  duck: "🦆",
  elephant: "🐘",
  fire: "🔥",
  fish: "🐟",
  flag: "🚩",
  fork: "🍴",
  fox: "🦊",
  guitar: "🎸",
  hammer: "🔨",
  hat: "🎩",
  helicopter: "🚁",
  horse: "🐎",
  house: "🏠",
  key: "🔑",
  kite: "🪁",
  ladder: "🪜",
  lamp: "💡",
  lemon: "🍋",
  lion: "🦁",
  lock: "🔒",
  magnet: "🧲",
  moon: "🌙",
  mountain: "⛰️",
  mushroom: "🍄",
  octopus: "🐙",
  owl: "🦉",
  panda: "🐼",
  pencil: "✏️",
  penguin: "🐧",
  piano: "🎹",
  rocket: "🚀",
  rose: "🌹",
  sailboat: "⛵",
  scissors: "✂️",
  snail: "🐌",
  star: "⭐",
  sun: "☀️",
  tractor: "🚜",
  turtle: "🐢",
  umbrella: "☂️",
};

export function emojiGlyph(name: string): string {
  return glyphs[name] ?? "•";
}

/** The name of a verification word in the reader's language. */
export function wordName(key: string): string {
  const names: Readonly<Record<string, unknown>> = m;
  const name = names[`emoji_${key}`];
  return typeof name === "function" ? String(name()) : key;
}
