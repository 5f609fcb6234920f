import type { FileItem } from "../engine/types.ts";
import { m } from "../i18n/paraglide/messages.js";

const units = ["byte", "kilobyte", "megabyte", "gigabyte"] as const;

/** "3.4 MB", in the words of the language. */
export function formatBytes(bytes: number, locale: string): string {
  let value = bytes;
  let unit = 0;
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000;
  const unitDisplay = unit === 0 ? "long" : "short"; // "30 bytes", "3.4 MB"
  const format = {
    style: "unit",
    unit: units[unit] ?? "byte",
    unitDisplay,
    maximumFractionDigits: value < 10 && unit > 0 ? 1 : 0,
  };
  return new Intl.NumberFormat(locale, format as Intl.NumberFormatOptions).format(value);
}

/** One line on how a file stands, after its size. */
export function fileState({ state, mine, done, size }: FileItem, name: string, locale: string): string {
  switch (state) {
    case "offered":
      return mine ? m.file_offered_mine({ name }) : m.file_offered_theirs({ name });
    case "moving":
      return m.file_progress({ done: formatBytes(done, locale), size: formatBytes(size, locale) });
    case "paused":
      return m.file_paused();
    case "done":
      return mine ? m.file_done_mine({ name }) : m.file_done_theirs();
    case "declined":
      return m.file_declined();
    case "canceled":
      return m.file_canceled();
    case "too-large":
      return m.file_too_large();
    case "busy":
      return m.file_busy();
    case "failed":
      return m.file_failed();
    case "damaged":
      return m.file_damaged();
  }
}

/** What is said when a file is offered or over; null for what this person did. */
export function fileNotice(item: FileItem, name: string, locale: string): string | null {
  const { name: file, state, mine, size } = item;
  if (state === "offered") return m.file_notice_offer({ name, file, size: formatBytes(size, locale) });
  if (state === "done" && !mine) return m.file_notice_done({ file });
  return m.file_notice_over({ file, what: fileState(item, name, locale) });
}

/** Saves under the name that the page shows. A download, never a page: the browser does not open it. */
export function saveFile({ blob, name }: FileItem): void {
  if (!blob) return;
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000); // the download has begun long before
}
