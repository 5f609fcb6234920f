/** Something like speech, for a fake microphone: voiced and unvoiced syllables of two formants, with pauses. */
import { writeFileSync } from "node:fs";

const RATE = 48_000;
const SECONDS = 20;
const vowels = [
  [730, 1090],
  [270, 2290],
  [300, 870],
  [530, 1840],
  [440, 1020],
];

/** Writes a WAV file, always the same. */
export function writeSpeech(path) {
  let seed = 1;
  const random = () => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) / 0x7fffffff;
  const samples = new Int16Array(RATE * SECONDS);
  const filters = [new Resonance(), new Resonance()];
  let syllable = { end: 0 };
  let phase = 0;
  for (let i = 0; i < samples.length; i++) {
    if (i >= syllable.end) syllable = nextSyllable(i, random);
    phase += syllable.pitch / RATE;
    const pulse = phase >= 1 ? 1 : 0;
    phase -= pulse;
    const source = syllable.voiced ? pulse : (random() - 0.5) * 0.3;
    const [low, high] = filters.map((f, k) => f.next(source, syllable.formants[k]));
    samples[i] = Math.max(-32_000, Math.min(32_000, (low + 0.4 * high) * syllable.gain * 1500));
  }
  writeFileSync(path, Buffer.concat([header(samples.byteLength), Buffer.from(samples.buffer)]));
}

function nextSyllable(at, random) {
  const pause = random() < 0.12;
  const seconds = (pause ? 0.2 : 0.08) + random() * 0.16;
  return {
    end: at + Math.floor(seconds * RATE),
    gain: pause ? 0 : 0.5 + random() * 0.5,
    pitch: 100 + random() * 60,
    voiced: random() > 0.2,
    formants: vowels[Math.floor(random() * vowels.length)],
  };
}

/** A two-pole filter, 90 Hz wide. */
class Resonance {
  #a = 0;
  #b = 0;
  next(x, hertz) {
    const r = Math.exp((-Math.PI * 90) / RATE);
    const y = x + 2 * r * Math.cos((2 * Math.PI * hertz) / RATE) * this.#a - r * r * this.#b;
    this.#b = this.#a;
    this.#a = y;
    return y;
  }
}

/** PCM, 16 bits, one channel. */
function header(bytes) {
  const h = Buffer.alloc(44);
  h.write("RIFF", 0);
  h.writeUInt32LE(36 + bytes, 4);
  h.write("WAVEfmt ", 8);
  h.writeUInt32LE(16, 16);
  h.writeUInt16LE(1, 20);
  h.writeUInt16LE(1, 22);
  h.writeUInt32LE(RATE, 24);
  h.writeUInt32LE(RATE * 2, 28);
  h.writeUInt16LE(2, 32);
  h.writeUInt16LE(16, 34);
  h.write("data", 36);
  h.writeUInt32LE(bytes, 40);
  return h;
}
