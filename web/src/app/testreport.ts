import { m } from "../i18n/paraglide/messages.js";
import { browserKind, browserMajor, systemKind } from "./browser.ts";
import type { MediaLike } from "./media.svelte.ts";
import type { NetworkPaths } from "./netcheck.svelte.ts";
import { lineText, pathName } from "./nettexts.ts";
import { partName, type Part } from "./testtexts.ts";

/** One finding of the test page. Its text is a sentence of ours, never what a device or a network is called. */
interface TestFinding {
  readonly part: Part;
  readonly text: string;
  readonly at: number; // ms since the epoch
}

export interface ReportFacts {
  readonly version: string; // of the app
  readonly at: number; // ms since the epoch
  readonly browser: string; // family and first number of the version
  readonly system: string; // family
  readonly findings: readonly TestFinding[];
  readonly paths: NetworkPaths | null; // null: not checked
}

/** What the devices say, as codes of ours: the reason why one is missing, or that it works. */
export function deviceFinding(
  kind: "mic" | "camera",
  media: Pick<MediaLike, "micOn" | "cameraOn" | "micProblem" | "cameraProblem">,
): string {
  const problem = kind === "mic" ? media.micProblem : media.cameraProblem;
  if (problem) return m.test_device_problem({ code: problem });
  if (!(kind === "mic" ? media.micOn : media.cameraOn)) return m.test_device_off();
  return kind === "mic" ? m.test_device_on() : m.test_device_works(); // that it is open does not say that it hears
}

/** Browser and system by family, as the report may name them. */
export function surroundings(
  facts: Pick<Navigator, "userAgent" | "maxTouchPoints">,
): Pick<ReportFacts, "browser" | "system"> {
  return { browser: `${browserKind(facts)} ${browserMajor(facts)}`.trim(), system: systemKind(facts) };
}

/** A text for a helpdesk: what was found and when, and nothing that says who or where. */
export function testReport({ version, at, browser, system, findings, paths }: ReportFacts, locale: string): string {
  const lines = [
    `visavis ${version} · ${m.test_report_title()} · ${minute(at)}`,
    `${m.test_report_browser()}: ${browser}`,
    `${m.test_report_system()}: ${system}`,
    "",
    ...findings.map((finding) => `${minute(finding.at)}  ${partName(finding.part)}: ${finding.text}`),
  ];
  if (paths) {
    for (const way of ["udp", "tcp", "tls"] as const) {
      lines.push(`  ${pathName(way)}: ${lineText(paths[way], false, locale)}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

/** In universal time: the zone of a device is a hint at where it is. */
function minute(at: number): string {
  return `${new Date(at).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
