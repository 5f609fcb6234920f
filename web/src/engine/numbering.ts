import { LimitCandidates, type Candidate, type CandidatesEnd, type SDP } from "../protocol/sealed.gen.ts";

/** More descriptions than a connection lives to see. */
const PER_CONNECTION = 1_000;

/**
 * Descriptions and candidates travel by two ways at once and may arrive twice, or one overtake the other. Each side
 * numbers its descriptions, and no two of its connections use the same number; a candidate carries the number of its
 * description, an answer that of its offer: so nothing is applied twice, to something else, or too early. 0 is said by
 * clients that do not number.
 */
export class Numbering {
  /** Whether an answer is to an offer of our connection `gen`; of those who do not number, to any. */
  static answers({ re = 0 }: SDP, gen: number): boolean {
    return re === 0 || Math.floor((re - 1) / PER_CONNECTION) === gen;
  }

  #sent: number;
  #from = ""; // their connection: what it says is numbered anew
  #gen: number | null = null; // of what is in force
  #seen = 0; // theirs, taken or turned down
  #taken = 0; // theirs, in force
  readonly #candidates = new Set<string>(); // of #taken
  #early: (Candidate | CandidatesEnd)[] = []; // of a description that has not come yet

  /** `gen`: which of our connections it is, from 0. An answer to an earlier one, late, is none to this. */
  constructor(gen: number) {
    this.#sent = gen * PER_CONNECTION;
  }

  /** The number of what we described last. */
  get sent(): number {
    return this.#sent;
  }

  /** For a description of ours. */
  stamp(type: "offer" | "answer"): { n: number; re?: number } {
    this.#sent++;
    return { n: this.#sent, ...(type === "answer" && this.#taken > 0 && { re: this.#taken }) };
  }

  /** Takes note of a description of theirs, and tells whether it is to be applied. `polite`: our offer gives way. */
  takes({ type, gen, fp, n = 0, re = 0 }: SDP, state: RTCSignalingState, polite: boolean): boolean {
    const from = `${gen} ${fp}`;
    if (from !== this.#from) this.#seen = 0;
    this.#from = from;
    if (n > 0 && n <= this.#seen) return false; // the other way was faster
    this.#seen = n;
    if (type === "offer" && state !== "stable" && !polite) return false;
    // To an offer that we rolled back, or offered another in place of.
    if (type === "answer" && (state !== "have-local-offer" || (re > 0 && re !== this.#sent))) return false;
    this.#gen = gen;
    this.#taken = n;
    this.#candidates.clear();
    return true;
  }

  /** Tells whether a candidate of theirs is to be added now; an early one is kept for {@link due}. */
  admits(message: Candidate | CandidatesEnd): boolean {
    const { gen, n = 0 } = message;
    if (this.#gen !== null && gen !== this.#gen) return false; // of a connection that this one is not with
    if (this.#gen === null || n > this.#seen) {
      if (this.#early.length <= LimitCandidates) this.#early.push(message);
      return false;
    }
    if (n !== this.#taken) return false;
    if (message.t === "ice-end") return true;
    if (this.#candidates.has(message.cand) || this.#candidates.size >= LimitCandidates) return false;
    this.#candidates.add(message.cand);
    return true;
  }

  /** What came before its description did. */
  due(): readonly (Candidate | CandidatesEnd)[] {
    return this.#early.splice(0);
  }
}
