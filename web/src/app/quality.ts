import type { Cause, Finding, Side } from "../engine/quality/diagnose.ts";
import type { PathStretch, QualityReceipt } from "../engine/quality/log.ts";
import { m } from "../i18n/paraglide/messages.js";
import { formatDuration } from "./clock.svelte.ts";
import { pathText } from "./paths.ts";
import { sentence } from "./sentence.ts";

export interface Row {
  readonly label: string;
  readonly texts: readonly string[];
}

/** A page that measures from later on than this was reloaded: the time before is not in its receipt. */
const FORGOTTEN_MS = 5_000;

/** A receipt in words, line by line. `name` is the other person's, for this page only. */
export function receiptRows(receipt: QualityReceipt, name: string, locale: string): Row[] {
  const { paths, worst, reported, fromMs } = receipt;
  const rows: Row[] = [];
  if (fromMs >= FORGOTTEN_MS) {
    const time = formatDuration(fromMs, locale);
    rows.push({ label: m.quality_measured(), texts: [sentence(m.quality_measured_from({ time }))] });
  }
  // One alone stands beside the receipt.
  if (paths.length > 1) {
    const from = (p: PathStretch) => m.quality_from({ time: formatDuration(p.fromMs, locale), path: pathText(p) });
    rows.push({ label: m.after_path(), texts: paths.map((p) => sentence(from(p))) });
  }
  const alone = reported ? [] : [m.quality_alone()];
  if (!worst) return [...rows, { label: m.quality_title(), texts: [m.quality_good(), ...alone] }];
  const { side, cause } = worst;
  const value = new Intl.NumberFormat(locale, { useGrouping: false }).format(worst.value);
  const minute = new Intl.NumberFormat(locale).format(worst.minute);
  return [
    ...rows,
    { label: m.quality_worst(), texts: [sentence(m.quality_minute({ minute })), ...alone] },
    { label: m.quality_side(), texts: [sentence(sides[side]({ name }))] },
    { label: m.quality_cause(), texts: [sentence(causeOf(worst)({ name, value }))] },
    { label: m.quality_help(), texts: [helps[cause]()] },
  ];
}

/** The same to send to somebody: no name, no link, no address of either. */
export function receiptText(receipt: QualityReceipt, durationMs: number, locale: string): string {
  const rows: Row[] = [
    { label: m.after_duration(), texts: [formatDuration(durationMs, locale)] },
    ...(receipt.paths.length === 1 ? [{ label: m.after_path(), texts: receipt.paths.map(pathText) }] : []),
    ...receiptRows(receipt, m.quality_other(), locale),
  ];
  return `visavis\n${rows.map(({ label, texts }) => `${label}: ${texts.join("; ")}\n`).join("")}`;
}

/** The name to save it under: in a folder of downloads it says what it is, and of which day. */
export function receiptFile(at: number): string {
  const day = new Date(at);
  const two = (n: number) => String(n).padStart(2, "0");
  return `visavis-call-receipt-${day.getFullYear()}-${two(day.getMonth() + 1)}-${two(day.getDate())}.txt`;
}

// Tables, not names put together: what is not named would be carried by every page.
const sides: Readonly<Record<Side, (inputs: { name: string }) => string>> = {
  mine: m.quality_side_mine,
  theirs: m.quality_side_theirs,
  between: m.quality_side_between,
  server: m.quality_side_server,
};

const helps: Readonly<Record<Cause, () => string>> = {
  uplink: m.quality_help_uplink,
  loss: m.quality_help_loss,
  delay: m.quality_help_delay,
  cpu: m.quality_help_cpu,
  background: m.quality_help_background,
  mic: m.quality_help_mic,
  camera: m.quality_help_camera,
  offline: m.quality_help_offline,
  interrupted: m.quality_help_interrupted,
  server: m.quality_help_server,
};

type Sentence = (inputs: { name: string; value: string }) => string;

/** Of this side, and of the other; a cause that is nobody's has one sentence. */
const causes: Readonly<Record<Cause, readonly [Sentence, Sentence] | readonly [Sentence]>> = {
  uplink: [m.quality_cause_uplink_mine, m.quality_cause_uplink_theirs],
  loss: [m.quality_cause_loss_mine, m.quality_cause_loss_theirs],
  delay: [m.quality_cause_delay_between],
  cpu: [m.quality_cause_cpu_mine, m.quality_cause_cpu_theirs],
  background: [m.quality_cause_background_mine, m.quality_cause_background_theirs],
  mic: [m.quality_cause_mic_mine, m.quality_cause_mic_theirs],
  camera: [m.quality_cause_camera_mine, m.quality_cause_camera_theirs],
  offline: [m.quality_cause_offline_mine, m.quality_cause_offline_theirs],
  interrupted: [m.quality_cause_interrupted_between],
  server: [m.quality_cause_server_server],
};

function causeOf({ cause, side }: Finding): Sentence {
  if (cause === "loss" && side === "between") return m.quality_cause_loss_between;
  const [mine, theirs = mine] = causes[cause];
  return side === "theirs" ? theirs : mine;
}
