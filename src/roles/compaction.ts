// The FE's compactor and its changes of columns over the CN's loader process.

import { Compactor } from '../commit/compactor.ts';
import type { ResolvingCommitter } from '../commit/resolving.ts';
import type { RewriteNode } from '../commit/rewrite-job.ts';
import { routineLoadSchemaHooks } from '../loads/routine/on-schema-change.ts';
import type { RoutineLoadScheduler } from '../loads/routine/scheduler.ts';
import { AlterJobs } from '../statements/alter-jobs.ts';
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

/** Not started yet. */
export function makeAlterJobs(
  options: FeOptions,
  committer: ResolvingCommitter,
  {
    compactor,
    scheduler,
  }: { readonly compactor: Compactor; readonly scheduler: RoutineLoadScheduler },
): AlterJobs {
  return new AlterJobs({
    ...options,
    committer,
    turns: committer.turns,
    hooks: routineLoadSchemaHooks,
    hold: (tableId, isHeld) => compactor.hold(tableId, isHeld),
    onChanged: () => scheduler.tasksRevoked(),
    node: rewriteNode(options),
  });
}

function rewriteNode({ cn }: Pick<FeOptions, 'cn'>): RewriteNode {
  return {
    rewrite: async (plan, limits) =>
      (await (await cn.loader()).call('rewrite', plan, limits)).outputs,
    rewriteDeletes: async (plan, limits) =>
      (await (await cn.loader()).call('rewriteDeletes', plan, limits)).carried,
  };
}
