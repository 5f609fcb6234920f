import { expect, test } from "vitest";
import type { Candidate, SDP } from "../protocol/sealed.gen.ts";
import { Numbering } from "./numbering.ts";

const sdp = (type: "offer" | "answer", n: number, more: Partial<SDP> = {}): SDP => ({
  t: "sdp",
  type,
  gen: 0,
  sdp: "",
  fp: "",
  n,
  ...more,
});
const ice = (n: number, cand = "candidate:1"): Candidate => ({ t: "ice", gen: 0, mid: "0", cand, n });

test("what comes by both ways is taken once, in whichever order the ways deliver", () => {
  const numbering = new Numbering(0);
  expect(numbering.takes(sdp("offer", 1), "stable", true)).toBe(true);
  expect(numbering.takes(sdp("offer", 1), "stable", true)).toBe(false);
  expect(numbering.takes(sdp("offer", 3), "stable", true)).toBe(true);
  expect(numbering.takes(sdp("offer", 2), "stable", true)).toBe(false); // the slow way
  expect(numbering.admits(ice(3))).toBe(true);
  expect(numbering.admits(ice(3))).toBe(false);
  expect(numbering.admits(ice(3, "candidate:2"))).toBe(true);
});

test("a candidate waits for its description and is lost with one that was replaced", () => {
  const numbering = new Numbering(0);
  expect(numbering.admits(ice(1))).toBe(false);
  numbering.takes(sdp("offer", 1), "stable", true);
  expect(numbering.due()).toEqual([ice(1)]);
  expect(numbering.admits(ice(1))).toBe(true);
  expect(numbering.admits(ice(2))).toBe(false);
  numbering.takes(sdp("offer", 3), "stable", true);
  for (const early of numbering.due()) expect(numbering.admits(early)).toBe(false);
});

test("early candidates are bounded", () => {
  const numbering = new Numbering(0);
  for (let i = 0; i < 1_000; i++) numbering.admits(ice(1, `candidate:${i}`));
  expect(numbering.due().length).toBeLessThan(40);
});

test("only the answer to the last offer counts", () => {
  const numbering = new Numbering(0);
  numbering.stamp("offer");
  expect(numbering.stamp("offer")).toEqual({ n: 2 });
  expect(numbering.takes(sdp("answer", 1, { re: 1 }), "have-local-offer", false)).toBe(false);
  expect(numbering.takes(sdp("answer", 2, { re: 2 }), "have-local-offer", false)).toBe(true);
  expect(numbering.takes(sdp("answer", 2, { re: 2 }), "stable", false)).toBe(false);
});

test("a late answer to one of our connections is not taken for an answer to the next", () => {
  const [one, next] = [new Numbering(0), new Numbering(1)];
  const [{ n: first }, { n: second }] = [one.stamp("offer"), next.stamp("offer")];
  expect(next.takes(sdp("answer", 1, { re: first }), "have-local-offer", false)).toBe(false);
  expect(next.takes(sdp("answer", 1, { re: second, gen: 1 }), "have-local-offer", false)).toBe(true);
  expect([0, 1, 2].map((gen) => Numbering.answers(sdp("answer", 1, { re: second }), gen))).toEqual([
    false,
    true,
    false,
  ]);
  expect(Numbering.answers(sdp("answer", 0), 1)).toBe(true); // who does not number
});

test("candidates of another connection take no place among the early ones", () => {
  const numbering = new Numbering(0);
  numbering.takes(sdp("offer", 1), "stable", true);
  for (let i = 0; i < 100; i++) numbering.admits({ ...ice(1_001, `candidate:${i}`), gen: 1 });
  expect(numbering.admits(ice(2))).toBe(false);
  expect(numbering.due()).toEqual([ice(2)]);
});

test("when offers cross the host's stands, and the guest's is turned down for good, copies included", () => {
  const host = new Numbering(0);
  expect(host.takes(sdp("offer", 5), "have-local-offer", false)).toBe(false);
  expect(host.takes(sdp("offer", 5), "stable", false)).toBe(false);
  expect(host.admits(ice(5))).toBe(false);
  const guest = new Numbering(0);
  expect(guest.takes(sdp("offer", 5), "have-local-offer", true)).toBe(true);
  expect(guest.stamp("answer")).toEqual({ n: 1, re: 5 });
});

test("another connection of theirs is numbered anew", () => {
  const host = new Numbering(0);
  host.stamp("offer");
  expect(host.takes(sdp("offer", 5, { fp: "old" }), "have-local-offer", false)).toBe(false); // before it knew of us
  expect(host.takes(sdp("answer", 1, { fp: "new", gen: 1, re: 1 }), "have-local-offer", false)).toBe(true);
});

test("clients that do not number are understood as before", () => {
  const numbering = new Numbering(0);
  const { n: _, ...offer } = sdp("offer", 0);
  expect(numbering.takes(offer, "stable", true)).toBe(true);
  expect(numbering.takes(offer, "stable", true)).toBe(true);
  expect(numbering.stamp("answer")).toEqual({ n: 1 });
  const { n: __, ...candidate } = ice(0);
  expect(numbering.admits(candidate)).toBe(true);
});
