import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { decode } from "./decode.ts";

interface Vector {
  name: string;
  frame: string;
  pad?: number;
  want?: unknown;
  error?: string;
}

const file = new URL("../../../protocol/testdata/vectors/server.json", import.meta.url);
const vectors = JSON.parse(readFileSync(file, "utf8")) as Vector[];

describe("decode reads the vectors of the Go decoder", () => {
  test.each(vectors)("$name", ({ frame, pad = 0, want }) => {
    expect(decode(frame + " ".repeat(pad))).toEqual(want ?? null);
  });

  test("there are both kinds", () => {
    expect(vectors.filter((v) => v.want !== undefined).length).toBeGreaterThan(15);
    expect(vectors.filter((v) => v.error !== undefined).length).toBeGreaterThan(25);
  });
});
