/**
 * Candidates of the other side that the browser is not told yet. Without any it tries nothing: the connection has all
 * that it needs, and sleeps.
 */
export class Withheld {
  #candidates: (RTCIceCandidateInit | undefined)[] = []; // undefined: there are no more

  /** Takes them out of a description. Those of an earlier one are worth nothing any more. */
  strip(sdp: string): string {
    this.#candidates = [];
    let sdpMLineIndex = -1;
    const kept = sdp.split(/\r\n|\r|\n/).filter((line) => {
      if (line.startsWith("m=")) sdpMLineIndex++;
      if (/^a=end-of-candidates/i.test(line)) return false;
      const candidate = /^a=(candidate:.*)/i.exec(line)?.[1];
      if (candidate !== undefined) this.keep({ candidate, sdpMLineIndex });
      return candidate === undefined;
    });
    return kept.join("\r\n");
  }

  keep(candidate: RTCIceCandidateInit | undefined): void {
    if (candidate !== undefined || !this.#candidates.includes(undefined)) this.#candidates.push(candidate);
  }

  /** Takes out those that may be told now. */
  take(may: (candidate: string) => boolean): RTCIceCandidateInit[] {
    const told = this.#candidates.filter((c) => c?.candidate !== undefined && may(c.candidate));
    this.#candidates = this.#candidates.filter((c) => !told.includes(c));
    return told.filter((c) => c !== undefined);
  }

  get candidates(): readonly (RTCIceCandidateInit | undefined)[] {
    return this.#candidates;
  }
}
