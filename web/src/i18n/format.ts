/** "in 3 days", "2 hours ago", "now": the largest unit that fits. */
export function relativeTime(locale: string, at: number, now: number): string {
  const units = [
    ["day", 86_400_000],
    ["hour", 3_600_000],
    ["minute", 60_000],
  ] as const;
  const format = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
  const delta = at - now;
  for (const [unit, ms] of units) {
    if (Math.abs(delta) >= ms) return format.format(Math.trunc(delta / ms), unit);
  }
  return format.format(0, "second");
}

/** A length of time in one unit, "30 minutes": whole days, else whole hours, else minutes. */
export function duration(locale: string, ms: number): string {
  const [unit, size] =
    ms % 86_400_000 === 0
      ? (["day", 86_400_000] as const)
      : ms % 3_600_000 === 0
        ? (["hour", 3_600_000] as const)
        : (["minute", 60_000] as const);
  return new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: "long" }).format(Math.round(ms / size));
}

/** Date and time, short enough for a list. */
export function dateTime(locale: string, at: number): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" }).format(at);
}
