// information_schema: one table of definitions; rows are made only for the tables a statement names.
// Views over stored tables are SQL text, expanded before analysis.
import { INFORMATION_SCHEMA } from '../catalog/catalog.ts';
import { showRow } from '../loads/routine/show.ts';
import { printSqlType, type SqlType } from '../model/sql-type.ts';
import { REJECTED_RECORDS_TABLE, STATISTICS_DATABASE } from '../model/system-tables.ts';
import type { InlineTableSource } from '../query/catalog.ts';
import type { Services } from './types.ts';

const TEXT: SqlType = { kind: 'VARCHAR', length: 65533 };
const LONG: SqlType = { kind: 'BIGINT' };

type Cell = string | number | bigint | null;

interface InlineDefinition {
  readonly columns: readonly (readonly [name: string, type: SqlType])[];
  readonly rows: (services: Services) => Promise<Cell[][]>;
}

const columnsOf = (type: SqlType, names: string): (readonly [string, SqlType])[] =>
  names.split(' ').map((name) => [name, type]);

const INLINE: Readonly<Record<string, InlineDefinition>> = {
  schemata: {
    columns: columnsOf(
      TEXT,
      'CATALOG_NAME SCHEMA_NAME DEFAULT_CHARACTER_SET_NAME DEFAULT_COLLATION_NAME SQL_PATH',
    ),
    rows: async ({ catalog }) =>
      (await catalog.databases.list()).map(({ name }) => [
        'def',
        name,
        'utf8',
        'utf8_general_ci',
        null,
      ]),
  },
  tables: {
    columns: [
      ...columnsOf(TEXT, 'TABLE_CATALOG TABLE_SCHEMA TABLE_NAME TABLE_TYPE ENGINE'),
      ...columnsOf(LONG, 'TABLE_ROWS DATA_LENGTH'),
      ...columnsOf(TEXT, 'CREATE_TIME TABLE_COLLATION TABLE_COMMENT'),
    ],
    rows: tableRows,
  },
  columns: {
    columns: [
      ...columnsOf(TEXT, 'TABLE_CATALOG TABLE_SCHEMA TABLE_NAME COLUMN_NAME'),
      ...columnsOf(LONG, 'ORDINAL_POSITION'),
      ...columnsOf(
        TEXT,
        'COLUMN_DEFAULT IS_NULLABLE DATA_TYPE COLUMN_TYPE COLUMN_KEY COLUMN_COMMENT',
      ),
    ],
    rows: columnRows,
  },
  routine_load_jobs: {
    columns: [
      ...columnsOf(LONG, 'ID'),
      ...columnsOf(
        TEXT,
        'NAME CREATE_TIME PAUSE_TIME END_TIME DB_NAME TABLE_NAME STATE DATA_SOURCE_TYPE CURRENT_TASK_NUM JOB_PROPERTIES DATA_SOURCE_PROPERTIES CUSTOM_PROPERTIES STATISTICS PROGRESS TIMESTAMP_PROGRESS REASONS_OF_STATE_CHANGED ERROR_LOG_URLS TRACKING_SQL OTHER_MSG LATEST_SOURCE_POSITION',
      ),
    ],
    rows: async ({ routineLoads }) =>
      (await routineLoads.list({ database: null, all: true }, 'Etc/UTC')).map((shown) =>
        showRow(shown).map((cell) => (cell === 'NULL' ? null : cell)),
      ),
  },
  routine_load_ledger: {
    columns: [
      ...columnsOf(LONG, 'JOB_ID'),
      ...columnsOf(TEXT, 'DB_NAME JOB_NAME TOPIC'),
      ...columnsOf(
        LONG,
        'PARTITION_ID SEGMENT FROM_OFFSET TO_OFFSET MESSAGES_RECEIVED MESSAGES_CONSUMED SKIPPED_CONTROL SKIPPED_ABORTED SKIPPED_EMPTY SKIPPED_GAP RECEIVED_BYTES ROWS_LOADED ROWS_FILTERED ROWS_UNSELECTED',
      ),
      ...columnsOf(TEXT, 'FIRST_COMMIT_TIME LAST_COMMIT_TIME'),
    ],
    rows: ledgerRows,
  },
};

/** Is it the database of system views, in any case? */
export function isInformationSchema(database: string): boolean {
  return database.toLowerCase() === INFORMATION_SCHEMA;
}

/** Columns of a table or view, undefined when there is none of that name. */
export function informationSchemaColumns(
  name: string,
): readonly (readonly [name: string, type: SqlType])[] | undefined {
  const lower = name.toLowerCase();
  if (Object.hasOwn(VIEWS, lower)) return VIEWS[lower]?.columns;
  return Object.hasOwn(INLINE, lower) ? INLINE[lower]?.columns : undefined;
}

const RECORDS = `${STATISTICS_DATABASE}.${REJECTED_RECORDS_TABLE}`;

/** Views by name. Labels of tasks are `<job>-<job id>-<transaction id>`. */
const VIEWS: Readonly<
  Record<string, { readonly sql: string; readonly columns: InlineDefinition['columns'] }>
> = {
  load_tracking_logs: {
    sql: `SELECT txn_id AS ID, CAST(regexp_extract(load_label, '-([0-9]+)-[0-9]+$', 1) AS BIGINT) AS JOB_ID,
    load_label AS LABEL, target_database AS DATABASE_NAME,
    concat('Error: ', error_message, '. Row: ', raw_record) AS TRACKING_LOG, load_type AS TYPE FROM ${RECORDS}`,
    columns: [
      ...columnsOf(LONG, 'ID JOB_ID'),
      ...columnsOf(TEXT, 'LABEL DATABASE_NAME TRACKING_LOG TYPE'),
    ],
  },
};

/** The SELECT that an information_schema view stands for, undefined when it is none. */
export function informationSchemaView(name: string): string | undefined {
  const lower = name.toLowerCase();
  return Object.hasOwn(VIEWS, lower) ? VIEWS[lower]?.sql : undefined;
}

/** The table with its rows of this moment, undefined when there is none of that name. */
export async function informationSchemaTable(
  name: string,
  services: Services,
): Promise<InlineTableSource | undefined> {
  const lower = name.toLowerCase();
  const definition = Object.hasOwn(INLINE, lower) ? INLINE[lower] : undefined;
  if (definition === undefined) return undefined;
  const rows = await definition.rows(services);
  return {
    kind: 'inline',
    databaseName: 'information_schema',
    name: lower,
    columns: definition.columns.map(([column, type]) => ({ name: column, type })),
    rows: rows.map((row) => row.map((cell) => (cell === null ? null : String(cell)))),
  };
}

/** Names for SHOW TABLES FROM information_schema. */
export function informationSchemaNames(): string[] {
  return [...Object.keys(INLINE), ...Object.keys(VIEWS)].sort();
}

function timeText(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 19).replace('T', ' ');
}

async function tableRows({ catalog }: Services): Promise<Cell[][]> {
  const tables = await catalog.tables.all();
  const status = await catalog.tables.status(tables.map((table) => table.id));
  const byId = new Map(status.map((entry) => [entry.tableId, entry]));
  return tables.map((table) => [
    'def',
    table.databaseName,
    table.name,
    'BASE TABLE',
    'StarRocks',
    byId.get(table.id)?.rowCount ?? 0,
    byId.get(table.id)?.sizeBytes ?? 0,
    timeText(table.createdMs),
    'utf8_general_ci',
    table.comment,
  ]);
}

async function columnRows({ catalog }: Services): Promise<Cell[][]> {
  const tables = await catalog.tables.all();
  return tables.flatMap((table) =>
    table.schema.columns.map((column, index) => [
      'def',
      table.databaseName,
      table.name,
      column.name,
      index + 1,
      column.defaultValue,
      column.nullable ? 'YES' : 'NO',
      printSqlType(column.type).replace(/\(.*$/s, ''),
      printSqlType(column.type),
      column.isKey ? 'DUP' : '',
      column.comment,
    ]),
  );
}

async function ledgerRows({ catalog }: Services): Promise<Cell[][]> {
  const jobs = await catalog.loadJobs.list({ all: true });
  const byId = new Map<number, (typeof jobs)[number]>(jobs.map((job) => [job.id, job]));
  return (await catalog.ledger.list()).map((row) => [
    row.jobId,
    byId.get(row.jobId)?.databaseName ?? null,
    byId.get(row.jobId)?.name ?? null,
    row.topic,
    row.partition,
    row.segment,
    row.fromOffset,
    row.toOffset,
    row.received,
    row.consumed,
    row.skippedControl,
    row.skippedAborted,
    row.skippedEmpty,
    row.skippedGap,
    row.receivedBytes,
    row.rowsLoaded,
    row.rowsFiltered,
    row.rowsUnselected,
    timeText(row.firstCommitMs),
    timeText(row.lastCommitMs),
  ]);
}
