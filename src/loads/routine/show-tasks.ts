// SHOW ROUTINE LOAD TASK: the tasks that a job has now, with the transaction that each is about to commit.
// SOURCE: shared/reference/starrocks-loading.md 1.6; offsets are the next ones to read, not minus one.
import type { LeaseRecord, PositionRecord } from '../../catalog/load-jobs.ts';
import type { TransactionRecord } from '../../catalog/transactions.ts';
import { propertyOf } from '../properties.ts';
import { JOB_PROPERTIES } from './properties.ts';
import { inOrder, placeOf, type ShownJob } from './show.ts';
import { readsMany } from './topics.ts';

export const TASK_COLUMNS = [
  'TaskId',
  'TxnId',
  'TxnStatus',
  'JobId',
  'CreateTime',
  'LastScheduledTime',
  'ExecuteStartTime',
  'Timeout',
  'BeId',
  'DataSourceProperties',
  'Message',
  'Warehouse',
] as const;

/** One row per task. `transactions` are those of the job that are not final, newest first. */
export function taskRow(
  { job, definition, positions, formatTime }: ShownJob,
  lease: LeaseRecord,
  transactions: readonly TransactionRecord[],
  nodeId: number,
): readonly string[] {
  const own = positions.filter(({ topic, partition }) =>
    lease.partitions.some((entry) => entry.topic === topic && entry.partition === partition),
  );
  const offsets = (of: (position: PositionRecord) => bigint | null): string =>
    offsetsText(own, readsMany(definition.source), of);
  // Batches commit in order: the oldest open one is what the task works on.
  const open = transactions.findLast(({ taskId }) => taskId === lease.taskId);
  const granted = formatTime(lease.grantedMs);
  return [
    lease.taskId,
    open === undefined ? '-1' : String(open.id),
    open?.state ?? 'UNKNOWN',
    String(job.id),
    granted,
    granted,
    formatTime(open?.prepareMs ?? null),
    propertyOf(JOB_PROPERTIES, definition.properties, 'task_timeout_second'),
    String(nodeId),
    `Progress:${offsets((position) => position.nextOffset)},LatestOffset:${offsets((position) => position.latestOffset)}`,
    open === undefined && caughtUp(own)
      ? 'there is no new data in kafka/pulsar, it is loaded as soon as there is some'
      : 'NULL',
    'default_warehouse',
  ];
}

function caughtUp(positions: readonly PositionRecord[]): boolean {
  return positions.every(
    ({ nextOffset, latestOffset }) => latestOffset !== null && nextOffset >= latestOffset,
  );
}

/** `{"0":6}`; `null` when none is known. */
function offsetsText(
  positions: readonly PositionRecord[],
  isOfMany: boolean,
  of: (position: PositionRecord) => bigint | null,
): string {
  const known = inOrder(positions).flatMap((position) => {
    const offset = of(position);
    return offset === null ? [] : [`"${placeOf(position, isOfMany)}":${offset}`];
  });
  return known.length === 0 ? 'null' : `{${known.join(',')}}`;
}
