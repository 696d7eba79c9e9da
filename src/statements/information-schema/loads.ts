// Loads as rows: Routine Load jobs and their ledger, rejected rows, what became of loads, and the kinds of
// load that come later, which are empty until then. SOURCE: StarRocks docs, information_schema.
import { freshnessMs } from '../../loads/routine/freshness.ts';
import { lagSeconds, messagesBehind } from '../../loads/routine/health.ts';
import { offsetLag, SHOW_COLUMNS, showRow } from '../../loads/routine/show.ts';
import { REJECTED_RECORDS_TABLE, STATISTICS_DATABASE } from '../../model/system-tables.ts';
import { variableText } from '../variables.ts';
import { seesJob } from '../visibility.ts';
import { LOADS_COLUMNS, loadRows, STREAM_LOADS_COLUMNS, streamLoadRows } from './load-rows.ts';
import { type ViewContext, type ViewRow, type ViewTable, viewColumns } from './view.ts';

const ROUTINE_LOAD_COLUMNS = viewColumns(
  'long ID, text NAME CREATE_TIME PAUSE_TIME END_TIME DB_NAME TABLE_NAME STATE DATA_SOURCE_TYPE CURRENT_TASK_NUM ' +
    'JOB_PROPERTIES DATA_SOURCE_PROPERTIES CUSTOM_PROPERTIES STATISTICS PROGRESS ' +
    'REASONS_OF_STATE_CHANGED ERROR_LOG_URLS TRACKING_SQL OTHER_MSG LATEST_SOURCE_POSITION OFFSET_LAG TIMESTAMP_PROGRESS, ' +
    'long MESSAGES_BEHIND FRESHNESS_MS FAILURES, text FAILING_SINCE RESUME_TIME UNSTABLE_SINCE, long RESTARTS',
);

/** What the view calls a column of SHOW ROUTINE LOAD; the order differs, too. */
function viewName(shown: (typeof SHOW_COLUMNS)[number]): string {
  switch (shown) {
    case 'Statistic':
      return 'STATISTICS';
    case 'ReasonOfStateChanged':
      return 'REASONS_OF_STATE_CHANGED';
    default:
      return shown.replaceAll(/([a-z])([A-Z])/g, '$1_$2').toUpperCase();
  }
}

async function routineLoadJobs(context: ViewContext): Promise<ViewRow[]> {
  const { session, services, visible, time } = context;
  const { routineLoads, globals, config } = services;
  const configuredMs = config.int('routine_load_freshness_millisecond');
  const zone = variableText('time_zone', 'session', session, globals) ?? 'Etc/UTC';
  return (await routineLoads.list({ database: null, all: true }, zone))
    .filter(({ job }) => seesJob(visible, job))
    .map((shown) => {
      const cells = showRow(shown).map((cell) => (cell === 'NULL' ? null : cell));
      const { job, positions, definition } = shown;
      return {
        ...Object.fromEntries(
          SHOW_COLUMNS.map((name, index) => [viewName(name), cells[index] ?? null]),
        ),
        OFFSET_LAG: JSON.stringify(offsetLag(shown)),
        MESSAGES_BEHIND: messagesBehind(positions),
        FRESHNESS_MS: freshnessMs(definition.properties, configuredMs),
        FAILURES: job.failures,
        FAILING_SINCE: time(job.failingSinceMs),
        RESUME_TIME: time(job.resumeMs),
        UNSTABLE_SINCE: time(job.stalled?.sinceMs ?? null),
        RESTARTS: job.stalled?.restarts ?? 0,
      };
    });
}

/** Where each partition of each job stands. */
async function partitionRows({ services, visible, time }: ViewContext): Promise<ViewRow[]> {
  const { catalog } = services;
  const allPositions = await catalog.loadJobs.allPositions();
  const committed = new Map(
    (await catalog.ledger.list()).map((row) => [
      `${row.jobId} ${row.partition} ${row.topic}`,
      row.lastCommitMs,
    ]),
  );
  const nowMs = catalog.nowMs();
  return (await catalog.loadJobs.list({ all: true }))
    .filter((job) => seesJob(visible, job))
    .flatMap((job) =>
      (allPositions.get(job.id) ?? []).map((position) => ({
        JOB_ID: job.id,
        DB_NAME: job.databaseName,
        JOB_NAME: job.name,
        TOPIC: position.topic,
        PARTITION_ID: position.partition,
        NEXT_OFFSET: position.nextOffset,
        LATEST_OFFSET: position.latestOffset,
        MESSAGES_BEHIND: messagesBehind([position]),
        LAST_MESSAGE_TIME: time(position.lastTimestampMs),
        LAG_SECONDS: lagSeconds(position, nowMs) ?? 0,
        LAST_COMMIT_TIME: time(
          committed.get(`${job.id} ${position.partition} ${position.topic}`) ?? null,
        ),
        RETENTION_SECONDS_LEFT: secondsOf(services.routineLoads.retentionLeftMs(job.id, position)),
      })),
    );
}

function secondsOf(ms: number | null): number | null {
  return ms === null ? null : Math.floor(ms / 1000);
}

async function ledgerRows({ services, visible, time }: ViewContext): Promise<ViewRow[]> {
  const { catalog } = services;
  const jobs = await catalog.loadJobs.list({ all: true });
  const byId = new Map<number, (typeof jobs)[number]>(jobs.map((job) => [job.id, job]));
  return (await catalog.ledger.list()).flatMap((row) => {
    const job = byId.get(row.jobId);
    if (job !== undefined && !seesJob(visible, job)) return [];
    return [
      {
        JOB_ID: row.jobId,
        DB_NAME: job?.databaseName ?? null,
        JOB_NAME: job?.name ?? null,
        TOPIC: row.topic,
        PARTITION_ID: row.partition,
        SEGMENT: row.segment,
        FROM_OFFSET: row.fromOffset,
        TO_OFFSET: row.toOffset,
        MESSAGES_RECEIVED: row.received,
        MESSAGES_CONSUMED: row.consumed,
        SKIPPED_CONTROL: row.skippedControl,
        SKIPPED_ABORTED: row.skippedAborted,
        SKIPPED_EMPTY: row.skippedEmpty,
        SKIPPED_GAP: row.skippedGap,
        RECEIVED_BYTES: row.receivedBytes,
        ROWS_LOADED: row.rowsLoaded,
        ROWS_FILTERED: row.rowsFiltered,
        ROWS_UNSELECTED: row.rowsUnselected,
        FIRST_COMMIT_TIME: time(row.firstCommitMs),
        LAST_COMMIT_TIME: time(row.lastCommitMs),
      },
    ];
  });
}

const RECORDS = `${STATISTICS_DATABASE}.${REJECTED_RECORDS_TABLE}`;

const LOG_COLUMNS = viewColumns('long ID JOB_ID, text LABEL DATABASE_NAME TRACKING_LOG TYPE');

export const LOAD_VIEWS: ViewTable = {
  routine_load_jobs: {
    columns: ROUTINE_LOAD_COLUMNS,
    doc: 'Routine Load jobs, ended ones too',
    rows: routineLoadJobs,
  },
  routine_load_partitions: {
    columns: viewColumns(
      'long JOB_ID, text DB_NAME JOB_NAME TOPIC, long PARTITION_ID NEXT_OFFSET LATEST_OFFSET MESSAGES_BEHIND, ' +
        'text LAST_MESSAGE_TIME, long LAG_SECONDS, text LAST_COMMIT_TIME, long RETENTION_SECONDS_LEFT',
    ),
    doc: 'where each partition of each Routine Load job stands (Millrace only)',
    rows: partitionRows,
  },
  routine_load_ledger: {
    columns: viewColumns(
      'long JOB_ID, text DB_NAME JOB_NAME TOPIC, long PARTITION_ID SEGMENT FROM_OFFSET TO_OFFSET MESSAGES_RECEIVED ' +
        'MESSAGES_CONSUMED SKIPPED_CONTROL SKIPPED_ABORTED SKIPPED_EMPTY SKIPPED_GAP RECEIVED_BYTES ROWS_LOADED ' +
        'ROWS_FILTERED ROWS_UNSELECTED, text FIRST_COMMIT_TIME LAST_COMMIT_TIME',
    ),
    doc: 'what became of every message, per partition, for ever (Millrace only)',
    rows: ledgerRows,
  },
  // Labels of tasks are `<job>-<job id>-<transaction id>`.
  load_tracking_logs: {
    columns: LOG_COLUMNS,
    doc: 'rejected rows with their reasons; ID is the transaction, JOB_ID the job of Routine Load or the same as ID; a SELECT must say `JOB_ID =`, `LABEL =` or `ID =`',
    rows: {
      sql: `SELECT txn_id AS ID, IF(load_type = 'ROUTINE_LOAD', CAST(regexp_extract(load_label, '-([0-9]+)-[0-9]+$', 1) AS BIGINT), txn_id) AS JOB_ID,
    load_label AS LABEL, target_database AS DATABASE_NAME,
    concat('Error: ', error_message, '. Row: ', raw_record) AS TRACKING_LOG, load_type AS TYPE FROM ${RECORDS}`,
      loadOf: { database: 'target_database', table: 'target_table' },
      filteredBy: ['job_id', 'label', 'id'],
    },
  },
  loads: {
    columns: LOADS_COLUMNS,
    doc: 'INSERTs, Stream Loads and tasks of Routine Load, as long as their labels are kept; SCAN_ROWS of an INSERT are the rows that its query gave',
    rows: loadRows,
  },
  stream_loads: {
    columns: STREAM_LOADS_COLUMNS,
    doc: 'Stream Loads and tasks of Routine Load, as long as their labels are kept',
    rows: streamLoadRows,
  },
  pipes: {
    columns: viewColumns(
      'v64 DATABASE_NAME, long PIPE_ID, v64 PIPE_NAME, text PROPERTIES, v64 TABLE_NAME STATE, text LOAD_STATUS LAST_ERROR, time CREATED_TIME',
    ),
    doc: 'pipes; empty until there are any',
    rows: 'none',
  },
  pipe_files: {
    columns: viewColumns(
      'v64 DATABASE_NAME, long PIPE_ID, v64 PIPE_NAME, v1024 FILE_NAME, v64 FILE_VERSION, long FILE_SIZE, v64 LAST_MODIFIED LOAD_STATE ' +
        'STAGED_TIME START_LOAD_TIME FINISH_LOAD_TIME, text ERROR_MSG',
    ),
    doc: 'files of pipes; empty until there are any',
    rows: 'none',
  },
};
