import { expect, test } from "vitest";
import type { QualityReceipt } from "../engine/quality/log.ts";
import { receiptRows, receiptText } from "./quality.ts";

const receipt: QualityReceipt = { measuredMs: 60_000, fromMs: 40, reported: true, paths: [], worst: null };

test("a receipt of a page that was reloaded says from when on it has measured", () => {
  const texts = (fromMs: number) =>
    receiptRows({ ...receipt, fromMs }, "Ben", "en").map(({ texts: all }) => all.join());
  expect(texts(40)).toHaveLength(1);
  expect(texts(192_000)[0]).toContain("3:12");
  expect(receiptText({ ...receipt, fromMs: 192_000 }, 300_000, "en")).toContain("3:12");
});
