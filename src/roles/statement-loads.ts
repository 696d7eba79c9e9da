// INSERT, UPDATE and DELETE over the CN's query process, and transactions of several of them.
import type { ResolvingCommitter } from '../commit/resolving.ts';
import type { RunningLimits } from '../commit/take-label.ts';
import type { Config } from '../config/load.ts';
import { Changes } from '../loads/change/service.ts';
import { Inserts } from '../loads/insert/service.ts';
import { ExplicitTransactions } from '../loads/transaction/explicit.ts';
import { SqlTransactions } from '../loads/transaction/sql.ts';
import type { FeOptions } from './fe.ts';

/** As they are set by now. */
export function runningLimits(config: Config): () => RunningLimits {
  return () => ({
    perDatabase: config.int('max_running_txn_num_per_db'),
    perNode: config.int('stream_load_max_txn_num_per_be'),
  });
}

export function makeInserts(options: FeOptions, committer: ResolvingCommitter): Inserts {
  const { cn, clock, random, log, metrics, host } = options;
  return new Inserts({
    committer,
    clock,
    random,
    log,
    metrics,
    coordinator: `FE: ${host}`,
    stage: async (request, limits) => (await cn.query()).call('insert', request, limits),
  });
}

export function makeChanges(options: FeOptions, committer: ResolvingCommitter): Changes {
  const { cn, clock, random, log, metrics, host } = options;
  return new Changes({
    committer,
    turns: committer.turns,
    clock,
    random,
    log,
    metrics,
    coordinator: `FE: ${host}`,
    stage: async (request, limits) => (await cn.query()).call('change', request, limits),
  });
}

/** Merging what was staged reads and writes it once more: it gets so many times of what another answer may take. */
const MERGE_RPCS = 20;

/** Keeps nothing between calls: there may be several. */
export function makeExplicitTransactions(
  options: FeOptions,
  committer: ResolvingCommitter,
): ExplicitTransactions {
  const { catalog, cn, clock, log, metrics, config } = options;
  return new ExplicitTransactions({
    catalog,
    committer,
    running: runningLimits(config),
    admit: (tableId, signal) => committer.gate.admit(tableId, signal),
    merge: async (plan, signal) =>
      (await cn.query()).call('merge', plan, { timeoutMs: plan.timeoutMs, signal }),
    mergeMs: MERGE_RPCS * config.int('rpc_timeout_millisecond'),
    clock,
    log,
    metrics,
  });
}

export function makeSqlTransactions(
  options: FeOptions,
  committer: ResolvingCommitter,
): SqlTransactions {
  const { catalog, cn, random, host } = options;
  return new SqlTransactions({
    transactions: makeExplicitTransactions(options, committer),
    catalog,
    random,
    coordinator: `FE: ${host}`,
    stage: async (request, limits) => (await cn.query()).call('insert', request, limits),
  });
}
