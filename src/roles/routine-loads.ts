// Routine Load over the CN's loader process: the scheduler, and REPLAY of rejected rows.
import type { AccessControl } from '../access/access-control.ts';
import { fail } from '../base/errors.ts';
import type { ResolvingCommitter } from '../commit/resolving.ts';
import { type AssignmentOptions, planOf } from '../loads/routine/assignment.ts';
import { LedgerChecks } from '../loads/routine/ledger-check.ts';
import { Replays } from '../loads/routine/replay.ts';
import { RoutineLoadScheduler } from '../loads/routine/scheduler.ts';
import { REJECTED_RECORDS_TABLE, STATISTICS_DATABASE } from '../model/system-tables.ts';
import { evolveSchema } from '../statements/evolve-schema.ts';
import type { FeOptions } from './fe.ts';

export function makeScheduler(
  options: FeOptions,
  parts: {
    readonly access: AccessControl;
    readonly committer: ResolvingCommitter;
    readonly node: string;
  },
): RoutineLoadScheduler {
  const { access, committer, node } = parts;
  const { catalog, config, cn, probe, clock, random, log } = options;
  return new RoutineLoadScheduler({
    ...planOptions(options),
    probe,
    clock,
    random,
    log,
    node,
    loader: {
      startTask: async (assignment) => {
        await (await cn.loader()).call('startTask', assignment);
      },
      stopTask: async (taskId, drain) => {
        await (await cn.loader()).call('stopTask', { taskId, drain });
      },
      runningTasks: async () => (await (await cn.loader()).call('listTasks', {})).taskIds,
    },
    maxTasksPerJob: config.int('max_routine_load_task_concurrent_num'),
    intervalMs: config.int('routine_load_scheduler_interval_millisecond'),
    stallMs: () => config.int('routine_load_stall_second') * 1000,
    missingRight: (job) => access.missingForLoad(job),
    evolve: (job, proposal) =>
      evolveSchema(job, proposal, {
        catalog,
        missingRight: (one) => access.missingForLoad(one, ['ALTER']),
        changeSchema: (tableId, make, hooks) => committer.changeSchema(tableId, make, hooks),
      }),
  });
}

export function makeReplays(options: FeOptions, committer: ResolvingCommitter): Replays {
  const { catalog, cn, clock, random, log, metrics, host } = options;
  const plans = planOptions(options);
  return new Replays({
    catalog,
    committer,
    clock,
    random,
    log,
    metrics,
    coordinator: `FE: ${host}`,
    planLoad: async (job) => {
      const planned = await planOf(plans, job, []);
      if (planned === null) return null;
      // Rows that were rejected were asked for their fields when they came.
      const { evolution: _, ...plan } = planned;
      return plan;
    },
    stage: async (request, limits) => (await cn.loader()).call('replay', request, limits),
  });
}

export function makeLedgerChecks(options: FeOptions): LedgerChecks {
  const { catalog, cn, probe, clock } = options;
  const plans = planOptions(options);
  return new LedgerChecks({
    catalog,
    probe,
    clock,
    planLoad: async (job) => {
      const plan = await planOf(plans, job, []);
      if (plan === null) throw fail('UNKNOWN_TABLE', { table: job.tableName });
      return plan;
    },
    recount: async (plan, limits) => (await cn.loader()).call('recount', plan, limits),
  });
}

function planOptions({ catalog, config }: FeOptions): Omit<AssignmentOptions, 'missingRight'> {
  return {
    catalog,
    freshnessMs: config.int('routine_load_freshness_millisecond'),
    maxMessageBytes: config.int('routine_load_max_message_bytes'),
    keptMessageBytes: () => config.int('rejected_message_max_bytes'),
    rejectedTarget: async (volume) => {
      const table = await catalog.tables.get(STATISTICS_DATABASE, REJECTED_RECORDS_TABLE);
      return {
        tableId: table.id,
        databaseName: table.databaseName,
        tableName: table.name,
        volume,
        prefix: table.prefix,
        keys: null,
      };
    },
  };
}
