import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { decodeSealed } from "./sealed.ts";

test("cleans what a stranger wrote", () => {
  expect(decodeSealed({ t: "knock", name: "A\u202Eda\n", note: "x".repeat(300), extra: 1 })).toEqual({
    t: "knock",
    name: "Ada",
    note: "x".repeat(200),
  });
});

const lights = { mic: "good", speaker: "good", camera: "good", picture: "good", network: "good" };

test.each([
  ["a light of a later version", { hours: 1, ...lights, mic: "splendid" }, { hours: 1, ...lights, mic: "unknown" }],
  ["a network that is none", { hours: 1, ...lights, net: "<b>" }, { hours: 1, ...lights }],
  ["more than was asked", { hours: 0, ...lights, device: "USB 3" }, { hours: 0, ...lights }],
  ["too long ago", { hours: 721, ...lights }, undefined],
  ["half an hour", { hours: 0.5, ...lights }, undefined],
  ["no hours", lights, undefined],
  ["a word", "fine", undefined],
])("lets somebody knock whose check says %s", (_, claim, want) => {
  expect(decodeSealed({ t: "knock", name: "Ben", tested: claim })).toEqual({
    t: "knock",
    name: "Ben",
    ...(want && { tested: want }),
  });
});

test.each([
  ["unknown type", { t: "later" }],
  ["no type", { name: "Ada" }],
  ["not an object", "knock"],
  ["wrong field type", { t: "state", mic: 1, cam: true, screen: false }],
  ["generation out of range", { t: "ice-end", gen: -1 }],
  ["fingerprint with capitals", { t: "sdp", type: "offer", gen: 0, sdp: "", fp: "A".repeat(64) }],
  ["candidate with a second line", { t: "ice", gen: 0, mid: "0", cand: "candidate:1\r\na=fingerprint:x" }],
  ["limit beyond a day", { t: "admit", policy: { sframe: 0, relay: 0, rec: 0, limit_ms: 90_000_000 } }],
  ["language that is none", { t: "knock", name: "Ada", lang: "<b>" }],
  ["fate of a device that is none", { t: "state", mic: true, cam: true, screen: false, mic_fate: "stolen" }],
  ["report of half a packet", { t: "report", at: 1, ms: 1, lost: 0.5 }],
  ["report of less than nothing", { t: "report", at: -1, ms: 1 }],
  ["want of an unknown size", { t: "want", video: "huge" }],
  ["cue of an unknown kind", { t: "cue", kind: "confetti" }],
  ["long id", { t: "chat", id: "x".repeat(33), text: "hello" }],
])("ignores: %s", (_, json) => {
  expect(decodeSealed(json)).toBeNull();
});

const file = new URL("../../../protocol/testdata/vectors/sealed.json", import.meta.url);
const vectors = JSON.parse(readFileSync(file, "utf8")) as { name: string; frame: string; want: unknown }[];

test.each(vectors)("reads the vector of the Go type: $name", ({ frame, want }) => {
  expect(decodeSealed(JSON.parse(frame))).toEqual(want);
});
