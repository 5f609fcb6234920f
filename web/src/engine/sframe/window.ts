const SPAN = 1024;

/** Remembers the last 1024 counters. Networks and browsers do repeat frames now and then without meaning harm. */
export class ReplayWindow {
  #highest = -1n;
  readonly #seen = new Uint8Array(SPAN);

  /** True if `ctr` was not seen and is not too old to know. */
  fresh(ctr: bigint): boolean {
    if (ctr > this.#highest) return true;
    return this.#highest - ctr < SPAN && this.#seen[slot(ctr)] === 0;
  }

  /** Marks a counter whose frame has been authenticated; false if it is not fresh any more. */
  add(ctr: bigint): boolean {
    if (!this.fresh(ctr)) return false;
    if (ctr > this.#highest) {
      if (ctr - this.#highest >= SPAN) this.#seen.fill(0);
      else for (let c = this.#highest + 1n; c < ctr; c++) this.#seen[slot(c)] = 0;
      this.#highest = ctr;
    }
    this.#seen[slot(ctr)] = 1;
    return true;
  }
}

function slot(ctr: bigint): number {
  return Number(ctr % BigInt(SPAN));
}
