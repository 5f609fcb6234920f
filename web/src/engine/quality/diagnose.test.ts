import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { diagnose, type Side } from "./diagnose.ts";
import { nothing, type Tally } from "./tally.ts";

/** A minute of a call in which all is well. */
const well: Tally = { ...nothing, ms: 60_000, packets: 6_000, bytes: 9_000_000, rtt: 40, kbps: 2_000 };

interface Case {
  name: string;
  mine: Partial<Tally>; // differences from a minute in which all is well
  theirs: Partial<Tally>;
  want: { side: Side; cause: string } | null;
}

// The native client reads them, too.
const file = new URL("../../../../protocol/testdata/vectors/quality.json", import.meta.url);
const cases = JSON.parse(readFileSync(file, "utf8")) as Case[];

test.each(cases)("$name", ({ mine, theirs, want }) => {
  const [first] = diagnose({ ...well, ...mine }, { ...well, ...theirs });
  if (want) expect(first).toMatchObject(want);
  else expect(first).toBeUndefined();
});

const mirror: Record<Side, Side> = { mine: "theirs", theirs: "mine", between: "between", server: "server" };

test.each(cases)("the other side finds the same: $name", ({ mine, theirs }) => {
  const here = diagnose({ ...well, ...mine }, { ...well, ...theirs });
  const there = diagnose({ ...well, ...theirs }, { ...well, ...mine });
  expect(there[0]).toEqual(here[0] && { ...here[0], side: mirror[here[0].side] });
});

test("without a report from the other side its own numbers have to do", () => {
  expect(diagnose({ ...well, packets: 800, lost: 200 }, nothing)[0]).toMatchObject({ side: "theirs", cause: "loss" });
  expect(diagnose({ ...well, tight: 50_000, kbps: 80 }, nothing)[0]).toMatchObject({ side: "mine", value: 80 });
});

test("the worse trouble comes first", () => {
  const found = diagnose({ ...well, busy: 5_000, no_cam: 60_000 }, { ...well, hidden: 10_000 });
  expect(found.map(({ side, cause }) => `${side} ${cause}`)).toEqual(["mine camera", "mine cpu", "theirs background"]);
});
