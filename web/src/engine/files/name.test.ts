import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { canRun, safeName } from "./name.ts";

interface Vector {
  readonly name: string;
  readonly safe: string;
  readonly runs: boolean;
}

// The native client reads them too.
const vectors = new URL("../../../../protocol/testdata/vectors/filenames.json", import.meta.url);

test.each(JSON.parse(readFileSync(vectors, "utf8")) as Vector[])("$name is stored as $safe", (v) => {
  expect(safeName(v.name)).toBe(v.safe);
  expect(canRun(v.safe)).toBe(v.runs);
});
