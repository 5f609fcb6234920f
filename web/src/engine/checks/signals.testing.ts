/** Sounds for tests, 48 kHz, -1…1, the same in every run. */
export const RATE = 48_000;

/** Numbers in 0…1 from a seed (mulberry32). */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const signal = (seconds: number, at: (t: number, i: number) => number) =>
  Float32Array.from({ length: Math.round(seconds * RATE) }, (_, i) => at(i / RATE, i));

export function rms(samples: Float32Array): number {
  return Math.sqrt(samples.reduce((sum, s) => sum + s * s, 0) / samples.length);
}

/** Scales to this RMS level, dB below full scale. */
export function atDb(samples: Float32Array, db: number): Float32Array {
  const factor = 10 ** (db / 20) / rms(samples);
  return samples.map((s) => s * factor);
}

export function add(...parts: Float32Array[]): Float32Array {
  const longest = Math.max(...parts.map((p) => p.length));
  return Float32Array.from({ length: longest }, (_, i) => parts.reduce((sum, p) => sum + (p[i] ?? 0), 0));
}

export const clip = (samples: Float32Array): Float32Array => samples.map((s) => Math.max(-1, Math.min(1, s)));

/**
 * Like a voice: harmonics of a wandering pitch in syllables, four a second, with a pause of 400 ms after every second and
 * a half. RMS of the whole is about 3 dB below that of the syllables.
 */
export function voice(seconds: number, pitch = 130): Float32Array {
  let phase = 0;
  return signal(seconds, (t) => {
    const pause = t % 1.9 > 1.5;
    const syllable = pause ? 0 : Math.sin(Math.PI * ((t * 4) % 1)) ** 2;
    phase += (2 * Math.PI * pitch * (1 + 0.12 * Math.sin(2 * Math.PI * 0.7 * t))) / RATE;
    let sum = 0;
    for (let n = 1; n <= 8; n++) sum += Math.sin(n * phase) / n;
    return syllable * sum * 0.2;
  });
}

export function white(seconds: number, seed = 1): Float32Array {
  const next = random(seed);
  return signal(seconds, () => next() + next() + next() - 1.5);
}

/** A transformer: the fundamental and its odd and even children. */
export function mains(seconds: number, hz: 50 | 60): Float32Array {
  const parts = [1, 0.5, 0.4, 0.15, 0.1];
  return signal(seconds, (t) => parts.reduce((sum, a, i) => sum + a * Math.sin(2 * Math.PI * hz * (i + 1) * t + i), 0));
}

export const nothing = (seconds: number): Float32Array => new Float32Array(Math.round(seconds * RATE));
