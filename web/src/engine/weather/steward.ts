import type { HeldVideo, WantedSize } from "../../protocol/sealed.gen.ts";
import { Emitter } from "../emitter.ts";
import type { Negotiation } from "../negotiation.ts";
import { firstMemory, learn, planFor, type Memory, type Plan, type Wishes } from "./plan.ts";
import { readingOf, readTotals, type Totals } from "./reading.ts";
import { scaleTo, setActive, setAudio, setVideo } from "./senders.ts";
import { isDOMException } from "../realm.ts";

const EVERY_MS = 1_000;

interface StewardEvents {
  /** {@link Steward.held} is another one. */
  held: undefined;
}

/**
 * Looks after what is sent in any weather: once a second it reads the connection, lets {@link learn} and {@link planFor}
 * decide, and carries out what has changed. It negotiates nothing: all of it works on senders and receivers that are there.
 */
export class Steward extends Emitter<StewardEvents> {
  readonly #mids: { mic: string; camera: string };
  readonly #negotiation: () => Negotiation | null;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #cameras = new WeakMap<MediaStreamTrack, number>(); // lines that were asked of them
  #mine: WantedSize;
  #theirs: WantedSize = "full";
  #memory: Memory = firstMemory;
  #before: { pc: RTCPeerConnection; totals: Totals } | null = null;
  #rttMs = 0;
  #music = false;
  #held: HeldVideo | null = null;
  #applied = new WeakMap<object, string>(); // what a sender or receiver was set to last
  #applying: Promise<void> | null = null;
  #again = false;

  constructor(role: "host" | "guest", negotiation: () => Negotiation | null, mine: WantedSize) {
    super();
    this.#mids = role === "host" ? { mic: "0", camera: "1" } : { mic: "2", camera: "3" };
    this.#negotiation = negotiation;
    this.#mine = mine;
    this.#timer = setInterval(() => void this.#look(), EVERY_MS);
  }

  /** Why a camera that is on sends nothing; null: it sends. */
  get held(): HeldVideo | null {
    return this.#held;
  }

  /** How much video this side sends and wants. */
  setMine(size: WantedSize): void {
    this.#mine = size;
    this.apply();
  }

  /** How much the other side wants. */
  setTheirs(size: WantedSize): void {
    this.#theirs = size;
    this.apply();
  }

  /** This side's sound is an instrument's. */
  setMusic(music: boolean): void {
    if (music === this.#music) return;
    this.#music = music;
    this.apply();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    const pc = this.#connected();
    if (!pc) return;
    const totals = readTotals((await pc.getStats()) as unknown as Iterable<[string, unknown]>, this.#mids.camera);
    if (pc !== this.#connected()) return;
    const before = this.#before;
    this.#before = { pc, totals };
    if (before?.pc === pc) {
      const reading = readingOf(totals, before.totals);
      this.#rttMs = reading.rttMs ?? this.#rttMs;
      this.#memory = learn(this.#memory, reading, this.#wishes(pc));
    } else this.#memory = { ...firstMemory, fresh: totals.frames === 0 }; // another connection: other weather
    this.apply();
  }

  /**
   * Carries out the plan of the moment, as far as it is not yet. On a new connection before it is up, so that not one
   * picture leaves that nobody wants.
   */
  apply(): void {
    const negotiation = this.#negotiation();
    const pc = negotiation?.alive ? negotiation.pc : null;
    const plan = planFor(this.#memory, this.#rttMs, this.#wishes(pc));
    this.#hold(plan.held);
    if (!pc) return;
    if (this.#applying) return void (this.#again = true);
    this.#applying = this.#carryOut(pc, plan).finally(() => {
      this.#applying = null;
      if (this.#again) this.apply();
    });
    this.#again = false;
  }

  #hold(held: HeldVideo | null): void {
    if (held === this.#held) return;
    this.#held = held;
    this.emit("held", undefined);
  }

  #connected(): RTCPeerConnection | null {
    const negotiation = this.#negotiation();
    return negotiation?.connected ? negotiation.pc : null;
  }

  #wishes(pc: RTCPeerConnection | null): Wishes {
    const screen = pc !== null && this.#videos(pc).some((t) => t.mid !== this.#mids.camera && t.sender.track !== null);
    return { mine: this.#mine, theirs: this.#theirs, screen, music: this.#music };
  }

  #videos(pc: RTCPeerConnection): RTCRtpTransceiver[] {
    return pc.getTransceivers().filter((t) => t.receiver.track.kind === "video" && t.direction === "sendonly");
  }

  async #carryOut(pc: RTCPeerConnection, plan: Plan): Promise<void> {
    for (const { receiver } of pc.getTransceivers()) this.#playOut(receiver, plan.playout);
    const mic = pc.getTransceivers().find((t) => t.mid === this.#mids.mic)?.sender;
    if (mic) await this.#once(mic, plan.audio, () => setAudio(mic, plan.audio));
    for (const { mid, sender } of this.#videos(pc)) {
      const { active } = plan.video;
      if (mid === this.#mids.camera) await this.#sendCamera(sender, plan);
      else if (sender.track) await this.#once(sender, { active }, () => setActive(sender, active));
    }
  }

  async #sendCamera(sender: RTCRtpSender, plan: Plan): Promise<void> {
    const { track } = sender;
    const scale = scaleTo(plan.video.lines, track);
    await this.#once(sender, { ...plan.video, scale }, () => setVideo(sender, plan.video, scale));
    if (track && (this.#cameras.get(track) ?? 720) !== plan.camera) {
      this.#cameras.set(track, plan.camera);
      // Not waited for: a camera that is switched off meanwhile never answers.
      void capture(track, plan.camera);
    }
  }

  #playOut(receiver: RTCRtpReceiver, { audioMs, videoMs }: Plan["playout"]): void {
    if (!("jitterBufferTarget" in receiver)) return; // Firefox
    const target = receiver.track.kind === "audio" ? audioMs : videoMs;
    const rounded = target === null ? null : Math.round(target / 20) * 20;
    if (receiver.jitterBufferTarget !== rounded) receiver.jitterBufferTarget = rounded;
  }

  async #once(target: object, value: unknown, act: () => Promise<boolean>): Promise<void> {
    const key = JSON.stringify(value);
    if (this.#applied.get(target) !== key && (await act())) this.#applied.set(target, key);
  }
}

/** Asks a camera for more or fewer lines; one that cannot goes on as it is. */
async function capture(track: MediaStreamTrack, lines: number): Promise<void> {
  const width = { ideal: Math.round((lines * 16) / 9) };
  try {
    await track.applyConstraints({ width, height: { ideal: lines }, frameRate: { ideal: 30, max: 30 } });
  } catch (error) {
    if (!isDOMException(error)) throw error;
  }
}
