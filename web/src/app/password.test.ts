import { expect, test } from "vitest";
import { passwordProblem, suggestPassword } from "./password.ts";

test.each([
  ["123", "short"],
  ["48213", "short"],
  ["482 13", "short"],
  ["482 139", null],
  ["482139", null],
  ["lamp", "short"],
  ["lamp sailboat", null],
  ["قمر سفينة", null],
  ["of to", "short"],
  ["correcthorse", null],
  ["000000", "obvious"],
  ["111 111", "obvious"],
  ["123456", "obvious"],
  ["987654", "obvious"],
  ["x".repeat(257), "long"],
  ["é".repeat(129), "long"],
])("%j is %s", (password, problem) => {
  expect(passwordProblem(password)).toBe(problem);
});

test("a suggestion is six digits that pass, whatever chance brings", () => {
  // 4294967295 lies above the last whole multiple of a million, 123456 is too obvious; 42 is fine.
  const draws = [4_294_967_295, 123_456, 42];
  const random = (length: number) => {
    const bytes = new Uint8Array(length);
    new DataView(bytes.buffer).setUint32(0, draws.shift() ?? 0);
    return bytes;
  };
  expect(suggestPassword(random)).toBe("000042");
  expect(draws).toEqual([]);
});
