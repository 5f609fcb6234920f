import { describe, expect, test } from "vitest";
import { MicrophoneCheck, type MicVerdict } from "./microphone.ts";
import { add, atDb, clip, mains, nothing, RATE, voice, white } from "./signals.testing.ts";

/** In blocks as an AudioWorklet delivers them. */
function judge(samples: Float32Array, block = 128): MicVerdict {
  const check = new MicrophoneCheck(RATE);
  for (let at = 0; at < samples.length; at += block) check.push(samples.subarray(at, at + block));
  return check.verdict;
}

/** What any open microphone in a quiet place delivers beside the voice. */
const quietPlace = (seconds: number) => atDb(white(seconds), -68);
const speech = atDb(voice(5), -26);

describe("a microphone is told what it needs", () => {
  const cases: readonly [string, Float32Array, MicVerdict["finding"], MicVerdict["light"]][] = [
    ["a voice in a quiet place", add(speech, quietPlace(5)), "good", "good"],
    ["a voice with a gate that leaves nothing between the words", speech, "good", "good"],
    ["zeros: a switch at the headset", nothing(5), "silent", "poor"],
    ["the last bit of a dead device", atDb(white(5), -96), "silent", "poor"],
    ["a quiet place and nobody who speaks", quietPlace(5), "quiet", "poor"],
    ["a voice from the other end of the place", add(atDb(voice(5), -58), atDb(white(5), -80)), "quiet", "poor"],
    ["a voice into a gain that is too high", clip(add(atDb(voice(5), -3), quietPlace(5))), "clipping", "poor"],
    ["a voice beside a fan, 5 dB", add(speech, atDb(white(5), -31)), "noisy", "poor"],
    ["a voice beside a fan, 13 dB", add(speech, atDb(white(5), -39)), "noisy", "fair"],
    ["a fan, and nobody who speaks", atDb(white(5), -35), "noisy", "poor"],
    ["a voice and a bad cable, 50 Hz", add(speech, atDb(mains(5, 50), -45), quietPlace(5)), "hum", "fair"],
    ["a bad cable alone, 60 Hz", add(atDb(mains(5, 60), -40), quietPlace(5)), "hum", "poor"],
  ];
  test.each(cases)("%s", (_, samples, finding, light) => {
    const verdict = judge(samples);
    expect({ ...verdict, values: undefined }).toEqual({ finding, light, values: undefined });
  });
});

test("hum is told by its frequency, and a deep voice is no hum", () => {
  expect(judge(add(speech, atDb(mains(5, 50), -42))).values).toMatchObject({ hz: 50 });
  expect(judge(add(speech, atDb(mains(5, 60), -42))).values).toMatchObject({ hz: 60 });
  for (const pitch of [100, 120]) expect(judge(add(atDb(voice(5, pitch), -26), quietPlace(5))).finding).toBe("good");
});

test("what it measures is what was made", () => {
  const { values } = judge(add(speech, atDb(white(5), -50)));
  expect(values?.["floorDb"]).toBeCloseTo(-50, 0);
  // Of the syllables alone: the pauses take some 3 dB off the whole.
  expect(values?.["voiceDb"]).toBeGreaterThan(-26);
  expect(values?.["voiceDb"]).toBeLessThan(-20);
});

test("it waits before it says anything, and gives somebody time to begin", () => {
  expect(judge(speech.subarray(0, RATE / 2)).light).toBe("working");
  expect(judge(quietPlace(2)).light).toBe("working");
  expect(judge(nothing(2)).finding).toBe("silent");
});

test("it forgets: what is over no longer counts, in blocks of any size", () => {
  const noisy = add(speech, atDb(white(5), -31));
  const quiet = add(speech, quietPlace(5));
  for (const block of [128, 1000, 48_000]) {
    const check = new MicrophoneCheck(RATE);
    for (const [part, finding] of [
      [noisy, "noisy"],
      [quiet, "good"],
      [noisy, "noisy"],
    ] as const) {
      for (let at = 0; at < part.length; at += block) check.push(part.subarray(at, at + block));
      expect(check.verdict.finding).toBe(finding);
    }
  }
});
