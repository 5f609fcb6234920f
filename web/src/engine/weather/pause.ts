/** A picture that has stopped because the network is too slow for it. Counts readings. */
export interface Pause {
  readonly on: boolean;
  readonly starved: number; // in a row with too little for video
  readonly left: number; // until the next try
  readonly wait: number; // how long the next pause will last
  readonly ran: number; // since the last pause ended
}

/** Below this much for everything, kbit/s, there is sound or a picture, and sound wins. */
const PAUSE_BELOW = 60;
const PAUSE_AFTER = 3;
/** Sound alone never makes the estimate larger than this, so it says that there is room. */
const RESUME_ABOVE = 120;
const FIRST_WAIT = 8;
const LONGEST_WAIT = 64;
/** After a picture has run this long, the last pause is forgotten. */
const FORGET_AFTER = 30;
/** With more loss than this a try would only hurt the sound. */
const TRY_BELOW = 0.15;

export const firstPause: Pause = { on: false, starved: 0, left: 0, wait: FIRST_WAIT, ran: 0 };

/** Pauses after three poor readings, and tries again after 8, 16, 32, 64 s or as soon as there is clearly room. */
export function nextPause(before: Pause, availableKbps: number, loss: number): Pause {
  if (before.on) {
    const left = before.left - 1;
    const on = availableKbps < RESUME_ABOVE && (left > 0 || loss > TRY_BELOW);
    return { ...before, on, left, starved: 0, ran: 0 };
  }
  const ran = before.ran + 1;
  const starved = availableKbps < PAUSE_BELOW ? before.starved + 1 : 0;
  if (starved < PAUSE_AFTER) return { ...before, starved, ran, wait: ran > FORGET_AFTER ? FIRST_WAIT : before.wait };
  return { on: true, starved: 0, left: before.wait, wait: Math.min(before.wait * 2, LONGEST_WAIT), ran: 0 };
}
