// The FE's compactor over the CN's loader process.
import { Compactor } from '../commit/compactor.ts';
import type { ResolvingCommitter } from '../commit/resolving.ts';
import type { FeOptions } from './fe.ts';

/** Not started yet. */
export function makeCompactor(
  { catalog, config, cn, clock, random, log, metrics }: FeOptions,
  committer: ResolvingCommitter,
): Compactor {
  return new Compactor({
    catalog,
    committer,
    turns: committer.turns,
    feed: committer.feed,
    gate: committer.gate,
    clock,
    random,
    log,
    metrics,
    timeoutMs: () => config.int('lake_compaction_default_timeout_second') * 1000,
    node: {
      compact: async (plan, limits) =>
        (await (await cn.loader()).call('compact', plan, limits)).outputs,
      carryDeletes: async (plan, limits) =>
        (await (await cn.loader()).call('carryDeletes', plan, limits)).carried,
      endCompaction: async (transactionId) => {
        await (await cn.loader()).call('endCompaction', { transactionId });
      },
    },
  });
}
