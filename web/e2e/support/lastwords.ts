import { stripVTControlCharacters } from "node:util";
import type { FullResult, Reporter, TestCase, TestResult } from "@playwright/test/reporter";
import { SCENE } from "./scene.ts";

/** Repeats at the very end which tests failed and on what, and what the pages showed: logs of CI are often cut from above. */
export default class LastWords implements Reporter {
  readonly #lines: string[] = [];

  onTestEnd(test: TestCase, result: TestResult): void {
    if (result.status === test.expectedStatus || result.status === "skipped") return;
    const reasons = result.errors.map((error) => plain(error.message ?? error.value ?? "").slice(0, 400));
    this.#lines.push(
      `${test.location.file.replace(/^.*\/e2e\//, "")}:${test.location.line} ${test.title}: ${reasons.join(" | ")}`,
    );
    for (const { name, body } of result.attachments)
      if (name === SCENE)
        this.#lines.push(
          ...String(body)
            .split("\n")
            .map((line) => `  ${plain(line)}`),
        );
  }

  onEnd(result: FullResult): void {
    if (this.#lines.length > 0) console.log(`\n${result.status}:\n${this.#lines.join("\n")}`);
  }

  printsToStdio(): boolean {
    return false;
  }
}

/** One line without colours. */
function plain(text: string): string {
  return stripVTControlCharacters(text).replace(/\s+/g, " ").trim();
}
