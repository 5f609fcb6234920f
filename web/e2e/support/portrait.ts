import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const script = fileURLToPath(new URL("../../../scripts/portrait.sh", import.meta.url));

/** A photograph of a woman with a helmet under her arm, 512 by 512 (PNG); her eyes are at 0.38 and 0.48 of its width. */
export function portrait(): Buffer {
  return readFileSync(execFileSync(script, { encoding: "utf8" }).trim());
}
