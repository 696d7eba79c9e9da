// From a job and a granted lease to what the loader is told: the plan of one task.
import { present } from '../../base/assert.ts';
import type { AppError } from '../../base/errors.ts';
import type { Catalog, VolumeRecord } from '../../catalog/catalog.ts';
import {
  type LeaseRecord,
  type LoadJobRecord,
  type PositionRecord,
  tablesOfJob,
} from '../../catalog/load-jobs.ts';
import { compressionOf } from '../../model/file-compression.ts';
import {
  type KafkaLoadPlan,
  type LoadTarget,
  replacingKeys,
  type TaskAssignment,
} from '../../model/load-plan.ts';
import type { TableInfo } from '../../model/table.ts';
import { propertyOf } from '../properties.ts';
import { buildPlan } from './compile.ts';
import { kafkaConnection, type RoutineLoadDefinition } from './definition.ts';
import { freshnessMs } from './freshness.ts';
import { routingOfJob } from './partitions.ts';
import { JOB_PROPERTIES } from './properties.ts';
import { parseDefinition } from './service.ts';

export interface AssignmentOptions {
  readonly catalog: Catalog;
  /** Of jobs that have no target of their own. */
  readonly freshnessMs: number;
  readonly maxMessageBytes: number;
  /** So many bytes of a rejected message are kept. */
  readonly keptMessageBytes: () => number;
  /** Why the job's account may not load into its table, null when it may. */
  readonly missingRight: (job: LoadJobRecord) => AppError | null;
  /** Where rejected rows of a job's table go. */
  readonly rejectedTarget: (volume: VolumeRecord) => Promise<TaskAssignment['plan']['rejected']>;
}

export interface GrantedTask {
  readonly lease: LeaseRecord;
  readonly positions: readonly PositionRecord[];
}

const MAX_BATCH_ROWS = 500_000;
const MAX_BATCH_BYTES = 64 * 1024 * 1024;
/** Of a job that lacked memory: half of it after the first time, then a quarter, down to the least. */
const REDUCED_BATCH_BYTES = 16 * 1024 * 1024;
const LEAST_BATCH_BYTES = 1024 * 1024;

function batchBytes(memoryFailures: number): number {
  if (memoryFailures === 0) return MAX_BATCH_BYTES;
  return Math.max(LEAST_BATCH_BYTES, REDUCED_BATCH_BYTES / 2 ** memoryFailures);
}

/**
 * Null where a table of the job is gone.
 * @param memoryFailures how often the job's tasks lacked memory: its batches are smaller then.
 */
export async function assignmentOf(
  options: AssignmentOptions,
  job: LoadJobRecord,
  { lease, positions }: GrantedTask,
  memoryFailures: number,
): Promise<TaskAssignment | null> {
  const topics = [...Map.groupBy(positions, ({ topic }) => topic)].map(([topic, ofTopic]) => ({
    topic,
    partitions: ofTopic.map(({ partition, nextOffset }) => ({ partition, offset: nextOffset })),
  }));
  const plan = await planOf(options, job, topics);
  if (plan === null) return null;
  const limits = { ...plan.limits, maxBatchBytes: batchBytes(memoryFailures) };
  return { taskId: lease.taskId, epoch: lease.epoch, plan: { ...plan, limits } };
}

/**
 * What becomes of messages of the topics as the job is now; null where a table of it is gone. Throws SQL_ANALYZE where
 * it does not fit its tables any more.
 */
export async function planOf(
  options: Omit<AssignmentOptions, 'missingRight'>,
  job: LoadJobRecord,
  topics: Parameters<typeof buildPlan>[0]['topics'],
): Promise<KafkaLoadPlan | null> {
  const { catalog } = options;
  const definition = parseDefinition(job);
  const tables: Parameters<typeof buildPlan>[0]['tables'][number][] = [];
  const volumes: VolumeRecord[] = [];
  for (const { id } of tablesOfJob(job)) {
    const table = await catalog.tables.byId(id);
    if (table === null) return null;
    const volume = await catalog.volumes.byId(table.volumeId);
    tables.push({ table, target: await targetOf(catalog, table, volume, definition) });
    volumes.push(volume);
  }
  const secondsMs = (key: keyof typeof JOB_PROPERTIES): number =>
    Number(propertyOf(JOB_PROPERTIES, definition.properties, key)) * 1000;
  return buildPlan({
    jobId: job.id,
    jobName: job.name,
    userName: job.userName,
    definition,
    connection: await kafkaConnection(catalog, job.databaseId, definition),
    tables,
    rejected: await options.rejectedTarget(present(volumes[0], 'volume of a job')),
    topics,
    limits: {
      maxBatchRows: MAX_BATCH_ROWS,
      maxBatchBytes: MAX_BATCH_BYTES,
      maxBatchIntervalMs: Math.min(
        secondsMs('max_batch_interval'),
        secondsMs('task_consume_second'),
      ),
      taskTimeoutMs: secondsMs('task_timeout_second'),
      freshnessMs: freshnessMs(definition.properties, options.freshnessMs),
      maxMessageBytes: options.maxMessageBytes,
      keptMessageBytes: options.keptMessageBytes(),
    },
  });
}

async function targetOf(
  catalog: Catalog,
  table: TableInfo,
  volume: VolumeRecord,
  definition: RoutineLoadDefinition,
): Promise<LoadTarget> {
  return {
    tableId: table.id,
    databaseName: table.databaseName,
    tableName: table.name,
    volume,
    prefix: table.prefix,
    ...compressionOf(table),
    keys: replacingKeys(table.schema),
    ...(await routingOfJob(catalog, table, definition)),
  };
}
