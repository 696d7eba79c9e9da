// Reads a range of a partition again, as a load would, and counts what is there. Nothing is staged.
import type { Clock } from '../base/clock.ts';
import type { Recount, RecountPlan } from '../model/recount.ts';
import type { Stager } from './stage.ts';
import type { MessageRun, RawBatch, Source } from './types.ts';

export interface RecountServices {
  /** Reads the one partition from the plan's first offset on. */
  readonly source: Source;
  readonly stager: Pick<Stager, 'prepare' | 'pack'>;
  readonly clock: Clock;
}

const LIMITS = { maxRows: 100_000, maxBytes: 16 * 1024 * 1024, waitMs: 1_000, fillMs: 0 };

/** Throws what the source and the registry throw, CANCELLED. */
export async function runRecount(
  plan: Pick<RecountPlan, 'load' | 'partition' | 'fromOffset' | 'toOffset' | 'limit' | 'timeMs'>,
  { source, stager, clock }: RecountServices,
  signal: AbortSignal,
): Promise<Recount> {
  const { fromOffset, toOffset, limit, timeMs } = plan;
  const endMs = clock.monotonicMs() + timeMs;
  const skipped = { control: 0, aborted: 0, gap: 0 };
  let [reached, isBeyond] = [fromOffset, false];
  let [messages, empty, rows] = [0, 0, 0];
  while (reached < toOffset && messages < (limit ?? Infinity) && clock.monotonicMs() < endMs) {
    const raw = await source.read(LIMITS, signal);
    if (raw === null) {
      const latest = source.latestOffsets().find((one) => one.partition === plan.partition);
      // The partition ends before the range does.
      if (latest !== undefined && latest.latestOffset <= reached) break;
      continue;
    }
    try {
      const within = before(raw, toOffset);
      await stager.prepare(within, signal);
      const packed = stager.pack(within);
      packed.file.close();
      messages += within.messageCount;
      for (const count of packed.empty.values()) empty += count;
      for (const count of packed.passed.values()) rows += count;
      rows += packed.lineCount + packed.rejects.length;
      for (const range of raw.ranges) {
        isBeyond ||= range.toOffset > toOffset;
        skipped.control += range.control;
        skipped.aborted += range.aborted;
        skipped.gap += range.gap;
        if (range.toOffset > reached) reached = range.toOffset;
      }
    } finally {
      raw.release();
    }
  }
  return {
    reached: isBeyond ? toOffset : reached,
    messages,
    empty,
    rows: plan.load.transform.unnest === undefined ? rows : null,
    skipped: isBeyond ? null : skipped,
  };
}

/** The messages below an offset. */
function before(raw: RawBatch, toOffset: bigint): RawBatch {
  const runs = raw.runs
    .map((run): MessageRun => {
      let { count } = run;
      while (count > 0 && run.baseOffset + BigInt(run.offsetDelta[count - 1] ?? 0) >= toOffset) {
        count -= 1;
      }
      return { ...run, count };
    })
    .filter(({ count }) => count > 0);
  const messageCount = runs.reduce((sum, { count }) => sum + count, 0);
  return { ...raw, runs, messageCount };
}
