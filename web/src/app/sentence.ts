/** Capitalises the beginning: a sentence may start with "the host", who has no name yet. */
export function sentence(text: string): string {
  const [first = ""] = text;
  return first.toLocaleUpperCase() + text.slice(first.length);
}
