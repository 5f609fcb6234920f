/** The languages of the app, each named in itself. */
export const languageNames = {
  en: "English",
  de: "Deutsch",
  fr: "Français",
  es: "Español",
  ar: "العربية",
} as const;

export type Locale = keyof typeof languageNames;

/** The stored choice, else the first language of the browser that we speak, else English. */
export function chooseLocale(stored: string | null, preferred: readonly string[]): Locale {
  for (const wanted of [stored ?? "", ...preferred]) {
    const language = wanted.toLowerCase().split("-")[0] ?? "";
    if (Object.hasOwn(languageNames, language)) return language as Locale;
  }
  return "en";
}
