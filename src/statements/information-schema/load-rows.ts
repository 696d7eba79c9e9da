// Loads as rows of information_schema.loads and stream_loads. SOURCE: StarRocks, their columns (3.4 and later).
import { GRACE_MS } from '../../loads/own-transaction.ts';
import { type ListedLoad, listedLoads } from './load-history.ts';
import { type ViewContext, type ViewRow, viewColumns } from './view.ts';

export const LOADS_COLUMNS = viewColumns(
  'long ID, v2048 LABEL, v64 PROFILE_ID DB_NAME TABLE_NAME USER WAREHOUSE STATE PROGRESS TYPE PRIORITY, ' +
    'long SCAN_ROWS SCAN_BYTES FILTERED_ROWS UNSELECTED_ROWS SINK_ROWS, text RUNTIME_DETAILS, ' +
    'time CREATE_TIME LOAD_START_TIME LOAD_COMMIT_TIME LOAD_FINISH_TIME, text PROPERTIES ERROR_MSG TRACKING_SQL REJECTED_RECORD_PATH, long JOB_ID',
);

export const STREAM_LOADS_COLUMNS = viewColumns(
  'v64 LABEL, long ID, v64 LOAD_ID, long TXN_ID, v64 DB_NAME TABLE_NAME STATE, text ERROR_MSG TRACKING_URL, ' +
    'long CHANNEL_NUM PREPARED_CHANNEL_NUM NUM_ROWS_NORMAL NUM_ROWS_AB_NORMAL NUM_ROWS_UNSELECTED NUM_LOAD_BYTES ' +
    'TIMEOUT_SECOND, time CREATE_TIME_MS BEFORE_LOAD_TIME_MS START_LOADING_TIME_MS START_PREPARING_TIME_MS ' +
    'FINISH_PREPARING_TIME_MS END_TIME_MS, text CHANNEL_STATE, v64 TYPE, text TRACKING_SQL',
);

export async function loadRows(context: ViewContext): Promise<ViewRow[]> {
  const { time } = context;
  const kinds = ['inserts', 'bodies', 'tasks'] as const;
  const loads = await listedLoads(context, { kinds, databaseName: null, idColumn: 'id' });
  return loads.map((load) => {
    const { transaction, numbers } = load;
    return {
      ID: transaction.id,
      LABEL: transaction.label,
      DB_NAME: load.database,
      TABLE_NAME: load.table,
      USER: transaction.userName,
      WAREHOUSE: 'default_warehouse',
      STATE: load.state,
      PROGRESS: progressOf(load),
      TYPE: load.type,
      PRIORITY: 'NORMAL',
      SCAN_ROWS: numbers?.scanRows ?? null,
      SCAN_BYTES: numbers?.scanBytes ?? null,
      FILTERED_ROWS: numbers?.filteredRows ?? null,
      UNSELECTED_ROWS: numbers?.unselectedRows ?? null,
      SINK_ROWS: numbers?.loadedRows ?? null,
      RUNTIME_DETAILS: runtimeDetails(load),
      CREATE_TIME: time(transaction.prepareMs),
      LOAD_START_TIME: time(timesOf(load).startMs),
      LOAD_COMMIT_TIME: time(transaction.commitMs),
      LOAD_FINISH_TIME: time(transaction.finishMs),
      PROPERTIES: propertiesOf(load),
      ERROR_MSG: load.error,
      TRACKING_SQL: load.trackingSql,
      REJECTED_RECORD_PATH: load.trackingUrl,
      JOB_ID: transaction.jobId ?? transaction.id,
    };
  });
}

export async function streamLoadRows(context: ViewContext): Promise<ViewRow[]> {
  const kinds = ['bodies', 'tasks'] as const;
  const loads = await listedLoads(context, { kinds, databaseName: null, idColumn: 'id' });
  return loads.map((load) => streamLoadRow(load, context.time));
}

/** A row of information_schema.stream_loads; SHOW STREAM LOAD has the same columns in the same order. */
export function streamLoadRow(load: ListedLoad, time: ViewContext['time']): ViewRow {
  const { transaction, numbers } = load;
  const times = timesOf(load);
  return {
    LABEL: transaction.label,
    ID: transaction.id,
    LOAD_ID: transaction.taskId ?? transaction.id,
    TXN_ID: transaction.id,
    DB_NAME: load.database,
    TABLE_NAME: load.table,
    STATE: load.state,
    ERROR_MSG: load.error,
    TRACKING_URL: load.trackingUrl,
    CHANNEL_NUM: load.channels.length,
    PREPARED_CHANNEL_NUM: load.channels.filter(({ state }) => state === 'PREPARING').length,
    NUM_ROWS_NORMAL: numbers?.loadedRows ?? 0,
    NUM_ROWS_AB_NORMAL: numbers?.filteredRows ?? 0,
    NUM_ROWS_UNSELECTED: numbers?.unselectedRows ?? 0,
    NUM_LOAD_BYTES: numbers?.scanBytes ?? 0,
    TIMEOUT_SECOND: timeoutSeconds(load),
    CREATE_TIME_MS: time(transaction.prepareMs),
    BEFORE_LOAD_TIME_MS: time(transaction.prepareMs),
    START_LOADING_TIME_MS: time(times.startMs),
    START_PREPARING_TIME_MS: time(times.preparingMs),
    FINISH_PREPARING_TIME_MS: time(transaction.preparedMs ?? transaction.commitMs),
    END_TIME_MS: time(transaction.finishMs),
    CHANNEL_STATE: load.channels.map((channel) => channelState(load, channel)).join(' | '),
    TYPE: load.type,
    TRACKING_SQL: load.trackingSql ?? '',
  };
}

/** Once the transaction is prepared, or over, its channels are that, too. */
function channelState({ state }: ListedLoad, channel: ListedLoad['channels'][number]): string {
  return state === 'LOADING' ? channel.state : state;
}

/** As StarRocks prints it: an INSERT has two stages. */
export function progressOf({ kind, state }: Pick<ListedLoad, 'kind' | 'state'>): string {
  const done = state === 'FINISHED' ? '100%' : '0%';
  return kind === 'inserts' ? `ETL:100%; LOAD:${done}` : done;
}

/** When rows began to be read, and when all were read; null = it did not come to that, or did not tell. */
function timesOf({ transaction, facts, state }: ListedLoad): {
  readonly startMs: number;
  readonly preparingMs: number | null;
} {
  const startMs = transaction.prepareMs + Math.round(facts?.planMs ?? 0);
  const isRead = facts !== null && state !== 'CANCELLED';
  return {
    startMs,
    preparingMs: isRead ? startMs + Math.round(facts.readMs + facts.writeMs) : null,
  };
}

export function timeoutSeconds({ transaction, kind, facts }: ListedLoad): number {
  const given = Number(facts?.properties['timeout']);
  if (Number.isFinite(given)) return given;
  // The transaction of a single load outlives it by the grace.
  const graceMs = kind !== 'tasks' && transaction.scope === '' ? GRACE_MS : 0;
  return Math.floor((transaction.timeoutMs - graceMs) / 1000);
}

const NUMBERS: readonly string[] = ['timeout', 'max_filter_ratio'];

/** What was asked for, by name; numbers as numbers. */
function propertiesOf(load: ListedLoad): string {
  const given = { ...load.facts?.properties, timeout: String(timeoutSeconds(load)) };
  const entries = Object.entries(given).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(
    Object.fromEntries(
      entries.map(([name, value]) => [name, NUMBERS.includes(name) ? Number(value) : value]),
    ),
  );
}

/** SOURCE: StarRocks docs, information_schema.loads: RUNTIME_DETAILS. */
function runtimeDetails({ transaction, facts }: ListedLoad): string {
  const { clientAddress: client, commitMs } = facts ?? { clientAddress: null, commitMs: null };
  const known = {
    ...(facts === null ? {} : { begin_txn_ms: Math.round(facts.beginMs) }),
    ...(client === null ? {} : { client_ip: client }),
    ...(commitMs === null ? {} : { commit_publish_time_ms: Math.round(commitMs) }),
    ...(facts === null
      ? {}
      : {
          plan_time_ms: Math.round(facts.planMs),
          receive_data_time_ms: Math.round(facts.readMs),
        }),
    txn_id: transaction.id,
    ...(facts === null ? {} : { write_data_time_ms: Math.round(facts.writeMs) }),
  };
  return JSON.stringify(known);
}
