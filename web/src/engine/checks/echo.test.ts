import { expect, test } from "vitest";
import { judgeEcho, PROBE_S, probe, type EchoVerdict } from "./echo.ts";
import { add, atDb, nothing, RATE, voice, white } from "./signals.testing.ts";

const played = probe(RATE);

/** What a microphone hears of the probe: `db` weaker and `ms` later. */
function coupled(db: number, ms: number): Float32Array {
  const late = Math.round((ms / 1000) * RATE);
  const factor = 10 ** (db / 20);
  return Float32Array.from({ length: played.length }, (_, i) => (played[i - late] ?? 0) * factor);
}

const noise = (db: number) => atDb(white(PROBE_S), db);

test.each<[number, number, EchoVerdict["finding"], EchoVerdict["light"]]>([
  [-60, 50, "none", "good"],
  [-60, 300, "none", "good"],
  [-40, 50, "some", "fair"],
  [-40, 170, "some", "fair"],
  [-40, 300, "some", "fair"],
  [-20, 50, "strong", "poor"],
  [-20, 300, "strong", "poor"],
])("%d dB comes back after %d ms: %s", (db, ms, finding, light) => {
  const verdict = judgeEcho(add(coupled(db, ms), noise(-65)), RATE);
  expect({ ...verdict, values: undefined }).toEqual({ finding, light, values: undefined });
  if (finding === "none") return;
  expect(verdict.values?.["couplingDb"]).toBeCloseTo(db, 0);
  expect(verdict.values?.["delayMs"]).toBeCloseTo(ms, 0);
});

test("an echo below the noise of the place is found, and the noise alone is none", () => {
  const buried = add(coupled(-36, 120), noise(-40)); // the chirp itself is 8 dB weaker than the noise
  expect(judgeEcho(buried, RATE)).toMatchObject({ finding: "some" });
  expect(judgeEcho(noise(-30), RATE)).toMatchObject({ finding: "none" });
});

test("somebody who talks meanwhile is no echo", () => {
  expect(judgeEcho(add(atDb(voice(PROBE_S), -30), noise(-65)), RATE)).toMatchObject({ finding: "none" });
});

test("a canceller may need the first chirps to learn; what it does after that counts", () => {
  const learnt = coupled(-15, 80);
  learnt.fill(0, Math.round(1.75 * RATE)); // of the chirps from 1.8 s on nothing is left
  expect(judgeEcho(add(learnt, noise(-65)), RATE)).toMatchObject({ finding: "none" });
});

test("a microphone that delivers nothing proves nothing; other rates are fine", () => {
  expect(judgeEcho(nothing(PROBE_S), RATE)).toMatchObject({ finding: "unheard", light: "unknown" });
  expect(judgeEcho(probe(44_100), 44_100)).toMatchObject({ finding: "strong" });
});
