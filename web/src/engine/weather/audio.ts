/** How sound is encoded: as one of {@link levels} says. */
export interface AudioPlan {
  readonly kbps: number; // of Opus; RED sends every frame twice
  readonly longFrames: boolean; // 40 and 60 ms instead of 20: fewer headers
}

export interface AudioMemory {
  readonly level: number;
  readonly above: number; // readings in a row with room for the next better one
}

export const firstAudio: AudioMemory = { level: 0, above: 0 };

interface Level extends AudioPlan {
  readonly from: number; // kbit/s for everything
  readonly music: number; // kbit/s of Opus for an instrument, stereo: transparent from 128 on (RFC 7587 §3.1.1)
}

// The browser takes what long frames save in headers for a better sound.
const best: Level = { from: 450, kbps: 32, music: 160, longFrames: false };
const levels: readonly Level[] = [
  best,
  { from: 300, kbps: 32, music: 64, longFrames: false },
  { from: 160, kbps: 20, music: 40, longFrames: false },
  { from: 80, kbps: 10, music: 10, longFrames: true },
  { from: 0, kbps: 6, music: 6, longFrames: true },
];
const UP_AFTER = 5;
const MARGIN = 1.2;

/** The best sound that leaves something for a picture: worse at once, better after five seconds of room. */
export function nextAudio(before: AudioMemory, availableKbps: number): AudioMemory {
  const fits = levels.findIndex((l) => l.from <= availableKbps);
  if (fits > before.level) return { level: fits, above: 0 };
  const better = levels[before.level - 1];
  if (!better || better.from * MARGIN > availableKbps) return { ...before, above: 0 };
  const above = before.above + 1;
  return above < UP_AFTER ? { ...before, above } : { level: before.level - 1, above: 0 };
}

export function audioPlan({ level }: AudioMemory, music: boolean): AudioPlan {
  const { kbps, longFrames, music: rich } = levels[level] ?? best;
  return { kbps: music ? rich : kbps, longFrames };
}

/**
 * What sound takes on the wire, kbit/s: every frame twice and some 70 bytes of headers per packet (IP, UDP, RTP and its
 * extensions, SRTP, frame encryption). Long frames were measured: 10 kbit/s more of Opus at 25 packets a second.
 */
export function wireKbps({ kbps, longFrames }: AudioPlan): number {
  return longFrames ? 2 * (kbps + 10) + 14 : 2 * kbps + 28;
}
