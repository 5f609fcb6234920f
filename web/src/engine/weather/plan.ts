import type { HeldVideo, WantedSize } from "../../protocol/sealed.gen.ts";
import { audioPlan, firstAudio, nextAudio, wireKbps, type AudioMemory, type AudioPlan } from "./audio.ts";
import { firstCodec, nextCodec, type CodecMemory } from "./codec.ts";
import { firstPause, nextPause, type Pause } from "./pause.ts";
import type { Reading } from "./reading.ts";

/** What people have chosen, and what else there is to see. */
export interface Wishes {
  readonly mine: WantedSize; // how much video this side sends and receives
  readonly theirs: WantedSize; // how much the other side wants
  /** A screen is shown, too: it is what the other person looks at, and the camera makes room. */
  readonly screen: boolean;
  /** What is sent as sound is an instrument. */
  readonly music: boolean;
}

/** What to do with the senders and receivers of a call. */
export interface Plan {
  readonly audio: AudioPlan;
  readonly video: {
    readonly active: boolean;
    readonly lines: number; // of the shorter side
    readonly fps: number;
    readonly kbps: number;
    readonly codec: "VP9" | "VP8";
  };
  /** What the camera should deliver, lines of the shorter side. */
  readonly camera: number;
  /** How long arriving media waits for what is missing; null: as the browser thinks best. */
  readonly playout: { readonly audioMs: number | null; readonly videoMs: number | null };
  /** Why a camera that is on sends nothing. */
  readonly held: HeldVideo | null;
}

/** What a decision needs to know of the seconds before. */
export interface Memory {
  readonly fresh: boolean; // no picture has left on this connection
  readonly age: number; // readings
  readonly sending: number; // readings since there is something to see
  readonly audio: AudioMemory;
  readonly step: number; // of the ladder
  readonly below: number; // readings in a row that asked for a smaller step
  readonly above: number; // and for a larger one
  readonly lossOut: number; // smoothed
  readonly lossIn: number;
  readonly pause: Pause;
  readonly small: number; // readings in a row with a small picture
  readonly roomy: number; // readings in a row with room for 1080 lines
  readonly codec: CodecMemory;
}

interface Step {
  readonly lines: number;
  readonly fps: number;
  readonly from: number; // kbit/s for video that this step needs
  readonly most: number; // and can use
}

/** From a desk with fibre down to a train in a tunnel. */
const least: Step = { lines: 180, fps: 6, from: 0, most: 100 };
const ladder: readonly Step[] = [
  { lines: 1080, fps: 30, from: 2_200, most: 4_000 },
  { lines: 720, fps: 30, from: 600, most: 2_500 },
  { lines: 540, fps: 30, from: 330, most: 1_200 },
  { lines: 360, fps: 25, from: 140, most: 600 },
  { lines: 270, fps: 15, from: 70, most: 250 },
  least,
];
const stepAt = (lines: number) => ladder.findIndex((s) => s.lines <= lines);
const HD = stepAt(720);
const LAST = ladder.length - 1;

/** The browser's own start is good; its estimate of the first seconds is not. */
const SETTLE = 3;
const DOWN_AFTER = 2;
const UP_AFTER = 5;
/** Room for a larger step must be more than it needs, so that it does not go at once. */
const MARGIN = 1.2;
/** A frame of 1080 lines that takes longer leaves too little of 33 ms for everything else. */
const HD_ENCODE_MS = 22;
/** After this long with a small picture the camera need not deliver a large one. */
const SMALL_FOR = 30;
/**
 * The first pictures: a key frame of 720 lines is four times the work for the encoder and some 70 ms on the wire, and a
 * face that is there at once says more than a sharp one.
 */
export const FIRST_LINES = 180;
const SAVER = { lines: 360, kbps: 300, fps: 20 } as const;

export const firstMemory: Memory = {
  fresh: true,
  age: 0,
  sending: 0,
  audio: firstAudio,
  step: HD,
  below: 0,
  above: 0,
  lossOut: 0,
  lossIn: 0,
  pause: firstPause,
  small: 0,
  roomy: 0,
  codec: firstCodec,
};

/**
 * Learns from one second. Sound comes first: it is small and all that a conversation needs, so its share is taken off
 * before video gets any. Video then takes the largest step of a ladder that fits what is left and what loss, machine and
 * people allow; it goes down within two seconds and up after five.
 *
 * Loss makes the picture smaller even where there is room: what counts then is in how many packets a frame is, since
 * each of them can be the one that is missing.
 */
export function learn(before: Memory, r: Reading, wishes: Wishes): Memory {
  const age = before.age + 1;
  const audio = age > SETTLE ? nextAudio(before.audio, r.availableKbps ?? Infinity) : before.audio;
  const lossOut = smooth(before.lossOut, r.lossOut);
  const lossIn = smooth(before.lossIn, r.lossIn);
  const heard: Memory = { ...before, fresh: before.fresh && r.encodeMs === null, age, audio, lossOut, lossIn };
  // Without a picture the estimate says nothing about room for one: begin anew when there is one.
  if (r.lines === 0 || chosen(wishes)) return { ...heard, ...still };
  const sending = before.sending + 1;
  if (sending <= SETTLE) return { ...heard, sending };
  return withVideo({ ...heard, sending }, r, wishes);
}

const still = { sending: 0, below: 0, above: 0, roomy: 0, small: 0, pause: firstPause };

function withVideo(before: Memory, r: Reading, wishes: Wishes): Memory {
  const available = r.availableKbps ?? Infinity;
  const room = Math.max(0, available - wireKbps(audioPlan(before.audio, wishes.music))) * (wishes.screen ? 0.3 : 1);
  const codec = nextCodec(before.codec, r);
  const pause = nextPause(before.pause, available, before.lossOut);
  const roomy = isRoomy(r, room, before.lossOut) ? before.roomy + 1 : 0;
  const moved = climb(before, room, ceiling({ ...before, codec, roomy }, r, wishes));
  const step = pause.on ? LAST : moved.step;
  const small = (ladder[step]?.lines ?? 0) <= 360 ? before.small + 1 : 0;
  return { ...before, ...moved, step, codec, pause, roomy, small };
}

/** The largest step that loss, machine and people allow. */
function ceiling(m: Memory, r: Reading, wishes: Wishes): number {
  const byLoss = m.lossOut > 0.06 ? stepAt(360) : m.lossOut > 0.025 ? stepAt(540) : 0;
  const stays = m.step === 0 && (r.encodeMs ?? 0) <= HD_ENCODE_MS && !r.cpuLimited;
  const byMachine = m.codec.strained ? stepAt(540) : stays || m.roomy >= UP_AFTER ? 0 : HD;
  const byPeople = isSmall(wishes) ? stepAt(SAVER.lines) : wishes.screen ? stepAt(360) : 0;
  return Math.max(byLoss, byMachine, byPeople);
}

/** Whether 1080 lines would go, asked while there are fewer: 2.25 times the pixels of 720. */
function isRoomy(r: Reading, room: number, loss: number): boolean {
  const cost = (r.encodeMs ?? Infinity) * (r.lines >= 1080 ? 1 : 2.25);
  return room >= (ladder[0]?.from ?? 0) * MARGIN && cost < HD_ENCODE_MS && loss < 0.01 && !r.cpuLimited;
}

function climb({ step, ...m }: Memory, room: number, highest: number): Pick<Memory, "step" | "below" | "above"> {
  const fitting = (margin: number) =>
    Math.max(
      highest,
      ladder.findIndex((s) => s.from * margin <= room),
    );
  const to = (next: number) => ({ step: next, below: 0, above: 0 });
  if (step < highest) return to(highest);
  const fits = fitting(1);
  if (fits > step) {
    const far = fits > step + 1; // fallen by more than one step: no time to lose
    return far || m.below + 1 >= DOWN_AFTER ? to(fits) : { step, below: m.below + 1, above: 0 };
  }
  if (fitting(MARGIN) >= step) return to(step);
  return m.above + 1 >= UP_AFTER ? to(step - 1) : { step, below: 0, above: m.above + 1 };
}

/** What follows from what was learnt. */
export function planFor(m: Memory, rttMs: number, wishes: Wishes): Plan {
  const step = ladder[m.step] ?? least;
  const held = chosen(wishes) ?? (m.pause.on ? "network" : null);
  const small = isSmall(wishes);
  const most = m.fresh ? FIRST_LINES : small ? SAVER.lines : Infinity;
  return {
    audio: audioPlan(m.audio, wishes.music),
    video: {
      active: held === null,
      lines: Math.min(step.lines, most),
      fps: small ? Math.min(step.fps, SAVER.fps) : step.fps,
      kbps: small ? Math.min(step.most, SAVER.kbps) : step.most,
      codec: m.codec.codec,
    },
    camera: m.step === 0 ? 1080 : m.small > SMALL_FOR ? 360 : 720,
    playout: playoutFor(m.lossIn, rttMs),
    held,
  };
}

/** Somebody has decided that there is no picture. */
function chosen({ mine, theirs }: Wishes): HeldVideo | null {
  if (mine === "none") return "saver";
  return theirs === "none" ? "asked" : null;
}

const isSmall = ({ mine, theirs }: Wishes): boolean => mine === "small" || theirs === "small";

/**
 * Redundancy only helps who waits for it: RED brings a lost frame 20 ms later, a retransmission one round trip later.
 * With less loss the browser's own guess is better, since waiting is delay.
 */
function playoutFor(loss: number, rttMs: number): Plan["playout"] {
  if (loss < 0.015) return { audioMs: null, videoMs: null };
  if (loss < 0.05) return { audioMs: 60, videoMs: Math.min(200, 40 + rttMs) };
  return { audioMs: 100, videoMs: Math.min(300, 100 + rttMs) };
}

/** Loss is noticed at once and forgotten slowly: another size costs a key frame. */
function smooth(before: number, now: number): number {
  return before + (now - before) * (now > before ? 0.5 : 0.15);
}
