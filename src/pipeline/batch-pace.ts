// How long a task waits between two batches, so that rows are visible within the freshness target: what staging and
// commit take now is left of it. A slow machine or volume gets smaller batches, a fast one larger ones.

/** Part of the target that staging and commit get at least, and at most: a batch a moment would only make them slower. */
const LEAST_SHARE = 0.1;
const MOST_SHARE = 0.6;
/** A commit costs some 20 ms of CPU whatever its size: sooner than this a job would do little else. */
const LEAST_TICK_MS = 90;
/** What they took, with room for the next one's taking longer. */
const MARGIN = 1.25;
/** One slow batch is forgotten after some ten. */
const DECAY = 0.9;

export class BatchPace {
  readonly #targetMs: number;
  #settleMs = 0;

  constructor(targetMs: number) {
    this.#targetMs = targetMs;
  }

  /** From the end of one batch's reading to that of the next, milliseconds. */
  get tickMs(): number {
    const wanted = (this.#settleMs * MARGIN) / this.#targetMs;
    const longestMs = this.#targetMs * (1 - LEAST_SHARE);
    const tickMs = this.#targetMs * (1 - Math.min(MOST_SHARE, Math.max(LEAST_SHARE, wanted)));
    return Math.max(tickMs, Math.min(longestMs, LEAST_TICK_MS));
  }

  /** A batch was visible so long after it was read. */
  note(settleMs: number): void {
    this.#settleMs = Math.max(settleMs, this.#settleMs * DECAY);
  }
}
