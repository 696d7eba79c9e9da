// Loads as rows: Routine Load jobs and their ledger, rejected rows, transactions of other loads, and the
// kinds of load that come later, which are empty until then. SOURCE: StarRocks docs, information_schema.
import {
  type LoadOutcome,
  type Range,
  readOutcome,
  type TransactionRecord,
  type TransactionState,
  type Transactions,
} from '../../catalog/transactions.ts';
import { freshnessMs } from '../../loads/routine/freshness.ts';
import { lagSeconds, messagesBehind } from '../../loads/routine/health.ts';
import { offsetLag, SHOW_COLUMNS, showRow } from '../../loads/routine/show.ts';
import { REJECTED_RECORDS_TABLE, STATISTICS_DATABASE } from '../../model/system-tables.ts';
import { variableText } from '../variables.ts';
import { seesJob } from '../visibility.ts';
import type { Wanted } from '../wanted.ts';
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

/** The list with one more where it has not got it. */
export function withOlder(
  newest: readonly TransactionRecord[],
  older: TransactionRecord | null,
): readonly TransactionRecord[] {
  const isNew = older !== null && newest.every(({ id }) => id !== older.id);
  return isNew ? [...newest, older] : newest;
}

/** Most INSERTs of one list, the newest, and as many older ones of what is asked for. */
const LOADS_LIMIT = 2_000;

const LOAD_STATES: Readonly<Record<TransactionState, string>> = {
  PREPARE: 'LOADING',
  PREPARED: 'PREPARED',
  COMMITTED: 'FINISHED',
  VISIBLE: 'FINISHED',
  ABORTED: 'CANCELLED',
};

/** An INSERT as SHOW LOAD and information_schema.loads list it. */
export interface ListedLoad {
  readonly transaction: TransactionRecord;
  readonly database: string;
  /** '' when the table is gone. */
  readonly table: string;
  readonly state: string;
  readonly progress: string;
  readonly error: string;
  /** Null while it runs, and of one that was cancelled: nobody keeps what it had read. */
  readonly outcome: LoadOutcome | null;
  /** Finds the rejected rows; null when there are none. */
  readonly trackingSql: string | null;
}

/**
 * INSERTs that the session may know of, newest first, as long as their labels are kept: the newest 2,000, and the
 * newest 2,000 of those with the labels, ids and times of creation that are asked for. `databaseName` null = of all
 * databases; `idColumn`: the list's name of ids, in lower case.
 */
export async function listedLoads(
  context: Pick<ViewContext, 'services' | 'visible' | 'wanted' | 'atMs'>,
  databaseName: string | null,
  idColumn: string,
): Promise<readonly ListedLoad[]> {
  const { services, visible } = context;
  const { catalog } = services;
  const databases = new Map((await catalog.databases.list()).map(({ id, name }) => [id, name]));
  const tables = new Map((await catalog.tables.all()).map(({ id, name }) => [id, name]));
  const only = [...databases].find(([, name]) => name === databaseName)?.[0];
  if (databaseName !== null && only === undefined) return [];
  const inserts = {
    ...(only === undefined ? {} : { databaseId: only }),
    inserts: true,
    limit: LOADS_LIMIT,
  };
  const newest = await catalog.transactions.list(inserts);
  const filter = olderLoads(context, idColumn);
  const isCut = newest.length === LOADS_LIMIT && filter !== null;
  const older = isCut ? await catalog.transactions.list({ ...inserts, ...filter }) : [];
  const known = new Set(newest.map(({ id }) => id));
  const all = [...newest, ...older.filter(({ id }) => !known.has(id))];
  return all.flatMap((transaction) => {
    const { databaseId, tableId, state, reason } = transaction;
    const database = databases.get(databaseId);
    const table = (tableId === null ? undefined : tables.get(tableId)) ?? '';
    if (database === undefined) return [];
    if (!visible.load(database, table)) return [];
    const shown = LOAD_STATES[state];
    const progress = shown === 'FINISHED' ? 'ETL:100%; LOAD:100%' : 'ETL:100%; LOAD:0%';
    const error = shown === 'CANCELLED' ? `type:LOAD_RUN_FAIL; msg:${reason}` : '';
    const outcome = readOutcome(transaction.attachmentJson).load;
    const trackingSql =
      outcome === null || outcome.rowsFiltered === 0
        ? null
        : `SELECT TRACKING_LOG FROM information_schema.load_tracking_logs WHERE ID = ${transaction.id}`;
    return [{ transaction, database, table, state: shown, progress, error, outcome, trackingSql }];
  });
}

/** Which loads are asked for, in terms of the metadata; null = no ones in particular. */
function olderLoads(
  { wanted, atMs }: Pick<ViewContext, 'wanted' | 'atMs'>,
  idColumn: string,
): Pick<Parameters<Transactions['list']>[0], 'labels' | 'ids' | 'prepareMs'> | null {
  const [id, label, created] = [idColumn, 'label', 'create_time'].map(
    (name) => wanted.get(name) ?? wanted.get(name.replace('_', '')),
  );
  const labels = label?.equals;
  const ids = id === undefined ? null : rangeOf(id, idOf);
  const prepareMs = created === undefined ? null : rangeOf(created, atMs);
  if (labels == null && ids === null && prepareMs === null) return null;
  return {
    ...(labels == null ? {} : { labels }),
    ...(ids === null ? {} : { ids }),
    // Times are shown in whole seconds.
    ...(prepareMs === null
      ? {}
      : {
          prepareMs: { ...prepareMs, high: prepareMs.high === null ? null : prepareMs.high + 999 },
        }),
  };
}

function idOf(text: string): number | null {
  return /^\d{1,15}$/.test(text) ? Number(text) : null;
}

function rangeOf(
  { equals, low, high }: Wanted,
  read: (text: string) => number | null,
): Range | null {
  const values = equals?.map(read) ?? [];
  if (values.length > 0 && values.every((value) => value !== null)) {
    return { low: Math.min(...values), high: Math.max(...values) };
  }
  const range = { low: low === null ? null : read(low), high: high === null ? null : read(high) };
  return range.low === null && range.high === null ? null : range;
}

async function loadRows(context: ViewContext): Promise<ViewRow[]> {
  const { time } = context;
  return (await listedLoads(context, null, 'id')).map(
    ({ transaction, database, table, state, progress, error, outcome, trackingSql }) => ({
      ID: transaction.id,
      LABEL: transaction.label,
      DB_NAME: database,
      TABLE_NAME: table,
      USER: transaction.userName,
      WAREHOUSE: 'default_warehouse',
      STATE: state,
      PROGRESS: progress,
      TYPE: 'INSERT',
      PRIORITY: 'NORMAL',
      SCAN_ROWS: rowsRead(outcome),
      FILTERED_ROWS: outcome?.rowsFiltered ?? null,
      // Its WHERE is a part of its query: what that leaves out never was a row of the load.
      UNSELECTED_ROWS: outcome === null ? null : 0,
      SINK_ROWS: outcome?.rowsLoaded ?? null,
      RUNTIME_DETAILS: JSON.stringify({ txn_id: transaction.id }),
      CREATE_TIME: time(transaction.prepareMs),
      LOAD_START_TIME: time(transaction.prepareMs),
      LOAD_COMMIT_TIME: time(transaction.commitMs),
      LOAD_FINISH_TIME: time(transaction.finishMs),
      PROPERTIES: '{}',
      ERROR_MSG: error,
      TRACKING_SQL: trackingSql,
    }),
  );
}

/** Rows that the query of an INSERT gave. */
export function rowsRead(outcome: LoadOutcome | null): number | null {
  return outcome === null ? null : outcome.rowsLoaded + outcome.rowsFiltered;
}

const RECORDS = `${STATISTICS_DATABASE}.${REJECTED_RECORDS_TABLE}`;

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
    columns: viewColumns('long ID JOB_ID, text LABEL DATABASE_NAME TRACKING_LOG TYPE'),
    doc: 'rejected rows with their reasons',
    rows: {
      sql: `SELECT txn_id AS ID, CAST(regexp_extract(load_label, '-([0-9]+)-[0-9]+$', 1) AS BIGINT) AS JOB_ID,
    load_label AS LABEL, target_database AS DATABASE_NAME,
    concat('Error: ', error_message, '. Row: ', raw_record) AS TRACKING_LOG, load_type AS TYPE FROM ${RECORDS}`,
      loadOf: { database: 'target_database', table: 'target_table' },
    },
  },
  loads: {
    columns: viewColumns(
      'long ID, v2048 LABEL, v64 PROFILE_ID DB_NAME TABLE_NAME USER WAREHOUSE STATE PROGRESS TYPE PRIORITY, ' +
        'long SCAN_ROWS SCAN_BYTES FILTERED_ROWS UNSELECTED_ROWS SINK_ROWS, text RUNTIME_DETAILS, ' +
        'time CREATE_TIME LOAD_START_TIME LOAD_COMMIT_TIME LOAD_FINISH_TIME, text PROPERTIES ERROR_MSG TRACKING_SQL REJECTED_RECORD_PATH, long JOB_ID',
    ),
    doc: 'INSERTs, as long as their labels are kept; SCAN_ROWS are the rows that the query gave',
    rows: loadRows,
  },
  stream_loads: {
    columns: viewColumns(
      'v64 LABEL, long ID, v64 LOAD_ID, long TXN_ID, v64 DB_NAME TABLE_NAME STATE, text ERROR_MSG TRACKING_URL, ' +
        'long CHANNEL_NUM PREPARED_CHANNEL_NUM NUM_ROWS_NORMAL NUM_ROWS_AB_NORMAL NUM_ROWS_UNSELECTED NUM_LOAD_BYTES ' +
        'TIMEOUT_SECOND, time CREATE_TIME_MS BEFORE_LOAD_TIME_MS START_LOADING_TIME_MS START_PREPARING_TIME_MS ' +
        'FINISH_PREPARING_TIME_MS END_TIME_MS, text CHANNEL_STATE, v64 TYPE, text TRACKING_SQL',
    ),
    doc: 'Stream Loads; empty until there are any',
    rows: 'none',
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
