// Several sources read as one: a task that has more than one topic. All are read at the same time, and whoever has
// waited longest goes first, so that a topic with much to read does not hold up the others. A batch is of one topic.
import { fail } from '../../base/errors.ts';
import type { RawBatch, Source, SourceLimits, SourceTrouble } from '../types.ts';

type OnTrouble = (trouble: SourceTrouble | null) => void;

interface Lane {
  readonly source: Source;
  /** A read under way, or one whose outcome nobody took yet. */
  reading: Promise<void> | null;
  outcome: { readonly batch: RawBatch | null } | { readonly error: unknown } | null;
}

/** More than that nothing came in time. */
function isNews(outcome: Lane['outcome']): boolean {
  return outcome !== null && !('batch' in outcome && outcome.batch === null);
}

export class TopicsSource implements Source {
  /** In the order of their turns: who gave a batch last is last. */
  readonly #lanes: Lane[];
  readonly #closing = new AbortController();

  /** Each opener gets what its source is to call about trouble; `onTrouble` hears of one that lasts, null when none does. */
  constructor(openers: readonly ((onTrouble: OnTrouble) => Source)[], onTrouble: OnTrouble) {
    const troubles = new Map<number, SourceTrouble>();
    this.#lanes = openers.map((open, index) => ({
      source: open((trouble) => {
        if (trouble === null) troubles.delete(index);
        else troubles.set(index, trouble);
        onTrouble(trouble ?? [...troubles.values()][0] ?? null);
      }),
      reading: null,
      outcome: null,
    }));
  }

  get behind(): boolean {
    return this.#lanes.some(({ source, outcome }) => isNews(outcome) || source.behind);
  }

  latestOffsets(): ReturnType<Source['latestOffsets']> {
    return this.#lanes.flatMap(({ source }) => source.latestOffsets());
  }

  /** See Source.read; `maxBytes` is divided, since each source may hold a batch meanwhile. */
  async read(limits: SourceLimits, signal: AbortSignal): Promise<RawBatch | null> {
    const share = { ...limits, maxBytes: Math.ceil(limits.maxBytes / this.#lanes.length) };
    const idle = new Set<Lane>();
    for (;;) {
      signal.throwIfAborted();
      for (const lane of this.#lanes) if (!idle.has(lane)) this.#begin(lane, share, signal);
      const ready = this.#lanes.find(({ outcome }) => outcome !== null);
      if (ready === undefined) {
        await Promise.race(this.#lanes.flatMap(({ reading }) => reading ?? []));
        continue;
      }
      const { outcome } = ready;
      ready.outcome = null;
      ready.reading = null;
      if (outcome !== null && 'error' in outcome) throw outcome.error;
      const batch = outcome?.batch ?? null;
      if (batch !== null) {
        this.#lanes.push(...this.#lanes.splice(this.#lanes.indexOf(ready), 1));
        return batch;
      }
      idle.add(ready);
      if (idle.size === this.#lanes.length) return null;
    }
  }

  #begin(lane: Lane, limits: SourceLimits, signal: AbortSignal): void {
    if (lane.reading !== null) return;
    const until = AbortSignal.any([signal, this.#closing.signal]);
    lane.reading = lane.source.read(limits, until).then(
      (batch) => {
        lane.outcome = { batch };
      },
      (error: unknown) => {
        lane.outcome = { error };
      },
    );
  }

  async close(): Promise<void> {
    this.#closing.abort(fail('CANCELLED'));
    await Promise.all(this.#lanes.map(({ reading }) => reading));
    for (const { outcome } of this.#lanes)
      if (outcome !== null && 'batch' in outcome) outcome.batch?.release();
    await Promise.all(this.#lanes.map(({ source }) => source.close()));
  }
}
