import { expect, test } from "vitest";
import { Prompter } from "./prompter.ts";

const ten = "one two three four five six seven eight nine ten";

function prompter(text: string): Prompter {
  const it = new Prompter();
  it.setText(text);
  return it;
}

test("a line goes when its words have been spoken, and not while nobody speaks", () => {
  const it = prompter(`${ten}\nnext`);
  expect(it.spoke(4_000)).toBe(false); // ten words take 4.6 s
  expect(it.at).toBe(0);
  expect(it.spoke(1_000)).toBe(true);
  expect(it.at).toBe(1);
  expect(it.done).toBe(0);
});

test("a short line stays long enough to be read, the last one for ever", () => {
  const it = prompter("price\nend");
  expect(it.spoke(1_000)).toBe(false);
  expect(it.spoke(600)).toBe(true);
  expect(it.spoke(60_000)).toBe(false);
  expect(it.at).toBe(1);
  expect(it.done).toBe(1);
});

test("empty lines are none, and a long word takes its time", () => {
  expect(prompter("\n a \n\n\tb\n").lines).toEqual(["a", "b"]);
  const it = prompter("Donaudampfschifffahrtsgesellschaftskapitänspatentprüfung\nb");
  expect(it.spoke(2_000)).toBe(false);
});

test("it goes no further than its ends, also without a line", () => {
  for (const text of ["", "a"]) {
    const it = prompter(text);
    it.back();
    it.next();
    expect([it.at, it.spoke(10_000)]).toEqual([0, false]);
  }
});

test("whoever turns early speaks faster, whoever turns back slower; within bounds", () => {
  const it = prompter(Array<string>(60).fill(ten).join("\n"));
  const usual = it.pace;
  it.spoke(2_000);
  it.next();
  expect(it.pace).toBeGreaterThan(usual);
  const faster = it.pace;
  it.next(); // leafing through
  expect(it.pace).toBe(faster);
  it.spoke(100);
  it.back();
  expect(it.pace).toBeLessThan(faster);
  for (let i = 0; i < 40; i++) {
    it.spoke(100);
    it.next();
  }
  expect(it.pace).toBe(220);
});

test("whoever edits stays at the line", () => {
  const it = prompter("a\nb\nc");
  it.next();
  it.next();
  it.setText("a\nb\nc and more");
  expect(it.at).toBe(2);
  it.setText("a");
  expect(it.at).toBe(0);
});
