import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** Where the server binary is. Set VISAVIS_BIN to test one that is built already. */
export function binary(): string {
  return process.env["VISAVIS_BIN"] ?? `${root}bin/visavis`;
}

/** Builds the binary once per run, with the web app inside. */
export default function build(): void {
  if (process.env["VISAVIS_BIN"]) return;
  execFileSync("make", ["--silent", "build"], { cwd: root, stdio: "inherit" });
}
