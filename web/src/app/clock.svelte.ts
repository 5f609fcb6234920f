import { createSubscriber } from "svelte/reactivity";

/** The wall clock in steps of a second; it ticks only while something reads it. */
export class Clock {
  readonly #subscribe = createSubscriber((update) => {
    const timer = setInterval(update, 1000);
    return () => clearInterval(timer);
  });

  get now(): number {
    this.#subscribe();
    return Date.now();
  }
}

/** 65 s is "1:05", an hour and five seconds "1:00:05". Digits in the reader's script. */
export function formatDuration(ms: number, locale: string): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = new Intl.NumberFormat(locale, { minimumIntegerDigits: 2, useGrouping: false });
  const one = new Intl.NumberFormat(locale, { useGrouping: false });
  const rest = `${two.format(Math.floor(seconds / 60) % 60)}:${two.format(seconds % 60)}`;
  if (seconds >= 3600) return `${one.format(Math.floor(seconds / 3600))}:${rest}`;
  return `${one.format(Math.floor(seconds / 60))}:${two.format(seconds % 60)}`;
}
