// Control characters, and the marks that reorder text (a name must not be able
// to rearrange the sentence it is shown in): Unicode bidi controls, UAX #9.
// oxlint-disable-next-line no-control-regex
const forbidden = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;
// Letters that draw nothing: spaces, joiners, Hangul fillers, the empty Braille cell.
const blank = /^[\p{Z}\p{Cf}\p{M}\u115f\u1160\u2800\u3164\uffa0]*$/u;

/**
 * One line of a stranger's text, safe to show: NFC, no control or bidi characters, at most `limit` code points, and
 * empty if nothing of it could be seen.
 */
export function cleanLine(text: string, limit: number): string {
  const line = cleanText(text.replaceAll("\n", " "), limit);
  return blank.test(line) ? "" : line;
}

/** The same with line breaks kept. */
export function cleanText(text: string, limit: number): string {
  const clean = text.replaceAll("\r\n", "\n").replace(forbidden, "").normalize("NFC").trim();
  return [...clean].slice(0, limit).join("");
}
