// Compactions that run and the latest that ended: information_schema.be_cloud_native_compactions and
// SHOW PROC '/compactions'. SOURCE: StarRocks docs, be_cloud_native_compactions, SHOW PROC (3.3).
import type { CompactionRecord } from '../../commit/compaction-history.ts';
import { CN_ID } from './nodes.ts';
import { type ViewContext, type ViewRow, type ViewTable, viewColumns } from './view.ts';

/** Of 100: once the output is staged, what is left is the turn and the commit. */
const STAGED_PROGRESS = 90;

/** Those of tables that the session may know of, newest first. */
function visibleCompactions({ services, visible }: ViewContext): readonly CompactionRecord[] {
  return services.compactions
    .list()
    .filter(({ databaseName, tableName }) => visible.table(databaseName, tableName));
}

function profileOf(record: CompactionRecord): string {
  return JSON.stringify({
    partition: record.partitionName,
    input_files: record.inputFiles,
    input_rows: record.inputRows,
    input_bytes: record.inputBytes,
    output_bytes: record.outputBytes,
    carried_deletes: record.carriedRows,
    yields: record.yields,
  });
}

async function taskRows(context: ViewContext): Promise<readonly ViewRow[]> {
  const { time } = context;
  return visibleCompactions(context).map((record) => {
    const { finishedMs, stagedMs, error } = record;
    const isDone = finishedMs !== null;
    return {
      BE_ID: CN_ID,
      TXN_ID: record.transactionId,
      TABLET_ID: record.tableId,
      SKIPPED: false,
      RUNS: 1,
      START_TIME: time(record.startedMs),
      FINISH_TIME: time(finishedMs),
      PROGRESS: isDone && error === null ? 100 : stagedMs === null ? 0 : STAGED_PROGRESS,
      STATUS: isDone ? (error ?? 'OK') : '',
      PROFILE: profileOf(record),
    };
  });
}

export const COMPACTION_VIEWS: ViewTable = {
  be_cloud_native_compactions: {
    columns: viewColumns(
      'long BE_ID TXN_ID TABLET_ID VERSION, bool SKIPPED, int RUNS, time START_TIME FINISH_TIME, int PROGRESS, text STATUS PROFILE',
    ),
    doc: 'compactions that run and the latest 200 that ended since the start; `TABLET_ID` is the id of the table',
    rows: taskRows,
  },
};

export const COMPACTION_PROC_COLUMNS = [
  'Partition',
  'TxnID',
  'StartTime',
  'CommitTime',
  'FinishTime',
  'Error',
  'Profile',
] as const;

/** Rows of SHOW PROC '/compactions', newest first. */
export function compactionProcRows(
  context: ViewContext,
): readonly (readonly (string | number | null)[])[] {
  const { time } = context;
  return visibleCompactions(context).map((record) => [
    `${record.databaseName}.${record.tableName}.${record.partitionName}`,
    record.transactionId,
    time(record.startedMs),
    time(record.stagedMs),
    time(record.finishedMs),
    record.error,
    profileOf(record),
  ]);
}
