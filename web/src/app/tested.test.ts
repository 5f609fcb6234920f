import { expect, test } from "vitest";
import { memoryArea } from "../storage/store.ts";
import { TestBook } from "./tested.ts";

const hour = 3_600_000;

function book() {
  const area = memoryArea();
  const world = { now: 1_700_000_000_000, kind: "wifi" as string | null };
  const open = () =>
    new TestBook(
      area,
      () => world.kind,
      () => world.now,
    );
  return { area, world, open };
}

test("a host is told the lights, how long ago, and whether the network is of the same kind", () => {
  const { world, open } = book();
  const before = open();
  before.note("camera", "good");
  world.now += hour / 2;
  before.note("network", "fair");
  world.now += 18.5 * hour;
  const claim = { hours: 18, camera: "good", network: "fair", mic: "unknown", speaker: "unknown", picture: "unknown" };
  expect(open().claim()).toEqual({ ...claim, net: "same" });
  world.kind = "cellular";
  expect(open().claim()).toEqual({ ...claim, net: "other" });
  world.kind = null;
  expect(open().claim()).toEqual(claim);
});

test("the latest light counts; those of another day do not", () => {
  const { world, open } = book();
  open().note("mic", "good");
  open().note("mic", "poor");
  expect(open().claim()).toMatchObject({ mic: "poor" });
  world.now += 2 * hour;
  open().note("camera", "good");
  expect(open().claim()).toMatchObject({ hours: 0, mic: "unknown", camera: "good" });
});

test("nothing is claimed without a check, after a month, or from the future", () => {
  const { world, open } = book();
  expect(open().claim()).toBeNull();
  open().note("mic", "unknown");
  expect(open().claim()).toBeNull();
  open().note("mic", "good");
  world.now += 721 * hour;
  expect(open().claim()).toBeNull();
  world.now -= 800 * hour;
  expect(open().claim()).toBeNull();
});

test.each([
  "junk",
  "{}",
  '{"v":1,"at":"x","lights":{},"kind":null}',
  '{"v":1,"at":1,"lights":{"mic":"x"},"kind":null}',
])("what is stored as %s says nothing", (text) => {
  const { area, open } = book();
  area.setItem("visavis.tested", text);
  expect(open().claim()).toBeNull();
});
