import type { PathInfo } from "../types.ts";
import { diagnose, type Finding } from "./diagnose.ts";
import { add, nothing, type Tally } from "./tally.ts";

const MINUTE_MS = 60_000;
/** A day, the longest a call may last. Beyond it the last minute takes everything. */
const MAX_MINUTES = 24 * 60;
/** Changes of the path that are kept; with more of them the first one and the latest stay. */
const MAX_PATHS = 8;
/** So many reports are known again when they come twice. */
const MAX_HEARD = 64;
/** Trouble below this much, in ms of a useless call, is not worth a word. */
const WORTH_MS = 2_500;

/** How media travelled for a while. Relays are named by host, nothing else. */
export interface PathStretch {
  readonly kind: PathInfo["kind"];
  readonly protocol: PathInfo["protocol"];
  readonly relay: string;
  readonly fromMs: number; // since media first flowed
}

/** What a call was like, as both sides can keep it. Nothing in it names a person or an address of theirs. */
export interface QualityReceipt {
  readonly measuredMs: number;
  readonly fromMs: number; // since media first flowed; more than a moment: the page was reloaded, and what was before is lost
  readonly reported: boolean; // the other side's numbers are in it
  readonly paths: readonly PathStretch[];
  /** The minute with the most trouble, counted from 1; null if none is worth a word. */
  readonly worst: (Finding & { readonly minute: number }) | null;
}

interface Minute {
  mine: Tally;
  theirs: Tally;
}

/** What both sides have measured, minute by minute; a few numbers for each, so that a day needs some hundred kilobytes. */
export class QualityLog {
  readonly #minutes: Minute[] = [];
  #paths: PathStretch[] = [];
  #reported = false;
  #heard: number[] = []; // ends of the other side's latest stretches
  #from: number | null = null;

  /** `at` is the end of the stretch, ms since media first flowed. */
  mine(at: number, tally: Tally): void {
    this.#from ??= Math.max(0, Math.round(at - tally.ms));
    const minute = this.#minute(at);
    minute.mine = add(minute.mine, tally);
  }

  /** False: it was said before, or is no measurement. */
  theirs(at: number, tally: Tally): boolean {
    const minute = this.#minute(at);
    if (this.#heard.includes(at) || minute.theirs.ms >= MINUTE_MS * 2) return false; // more than fits in
    this.#heard = [...this.#heard.slice(1 - MAX_HEARD), at];
    minute.theirs = add(minute.theirs, tally);
    this.#reported = true;
    return true;
  }

  path(at: number, { kind, protocol, relay }: PathInfo): void {
    const last = this.#paths.at(-1);
    if (last?.kind === kind && last.protocol === protocol && last.relay === relay) return;
    if (this.#paths.length === MAX_PATHS) this.#paths.splice(1, 1);
    this.#paths.push({ kind, protocol, relay, fromMs: Math.max(0, Math.round(at)) });
  }

  receipt(): QualityReceipt {
    let worst: QualityReceipt["worst"] = null;
    let measuredMs = 0;
    this.#minutes.forEach(({ mine, theirs }, i) => {
      measuredMs += mine.ms;
      const findings = diagnose(mine, theirs);
      const weight = findings.reduce((total, finding) => total + finding.weight, 0);
      const [first] = findings;
      if (first && weight >= WORTH_MS && weight > (worst?.weight ?? 0)) worst = { ...first, weight, minute: i + 1 };
    });
    return { measuredMs, fromMs: this.#from ?? 0, reported: this.#reported, paths: this.#paths, worst };
  }

  #minute(at: number): Minute {
    const index = Math.min(MAX_MINUTES - 1, Math.max(0, Math.ceil(at / MINUTE_MS) - 1));
    for (let i = this.#minutes.length; i <= index; i++) this.#minutes.push({ mine: nothing, theirs: nothing });
    return this.#minutes[index] as Minute;
  }
}
