/** First letters of the first and the last word, whole characters in every script; "" for no name. */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/u).filter(Boolean);
  const first = words[0];
  if (!first) return "";
  const last = words.length > 1 ? words[words.length - 1] : undefined;
  return (firstCharacter(first) + (last ? firstCharacter(last) : "")).toLocaleUpperCase();
}

function firstCharacter(word: string): string {
  const [character] = new Intl.Segmenter(undefined, { granularity: "grapheme" }).segment(word);
  return character?.segment ?? "";
}
