// The records of a REPLAY: which are taken now, read from the files of `_statistics_.rejected_records` into temporary
// tables of the connection, and their messages. Bounded in records and in bytes of messages.
import type { EngineValue } from '../engine/connection.ts';
import type { Connection, StatementOptions } from '../engine/duckdb.ts';
import { type SourceReader, withSources } from '../engine/plan-sources.ts';
import type { QueryScan } from '../model/query-plan.ts';
import { PLACE_COLUMNS, type RecordPlaces, type ReplayPlan } from '../model/replay-plan.ts';
import { REJECTED_RECORDS_SCHEMA } from '../model/system-tables.ts';
import { changedScan } from '../query/plan-change.ts';
import type { KeptMessage } from './source/kept-batch.ts';

/** Records that were taken: `id` from 0 on, all columns of the table, `__file` and `__row` in the wanted scan. */
export const RECORDS = '__records';
const FOUND = '__found';
const TAKEN = '__taken';
const HELD = '__held';
const HELD_VALUES = '__held_values';

/** Bytes of messages that are in memory at once; one message may be larger. */
const MESSAGE_BYTES = 16 * 1024 * 1024;

/** One record with what it takes to load its row again. */
export interface ReplayRecord {
  readonly createdMs: number;
  readonly label: string;
  readonly transactionId: number;
  readonly userName: string;
  readonly replays: number;
  readonly rowStart: number;
  readonly rowEnd: number;
  /** Which of the rows that an UNNEST made of those bytes; null = there was none. */
  readonly element: number | null;
  /** Of the whole value. */
  readonly valueBytes: number;
  /** The same for all records of one message; null where its value is not kept any more. */
  readonly message: KeptMessage | null;
  /** What the records of one message share. */
  readonly messageKey: string;
}

export interface TakenRecords {
  readonly topic: string;
  readonly records: readonly ReplayRecord[];
  /** There are others that are wanted. */
  readonly more: boolean;
}

type Options = StatementOptions & { readonly signal: AbortSignal };

/** Takes the next records of one topic, in the order of their messages. Null: there are none. */
export async function takeRecords(
  { wanted, holders, limit }: Pick<ReplayPlan, 'wanted' | 'holders' | 'limit'>,
  reader: SourceReader,
  connection: Connection,
  options: Options,
): Promise<TakenRecords | null> {
  const places = PLACE_COLUMNS.map((name, index) => `c${index + 2} AS ${name}`).join(', ');
  const found = (from: RecordPlaces, work: (select: string) => string): Promise<void> =>
    withSources(reader, connection, from, options.signal, (withClause) => {
      const select = `SELECT c0 AS __file, c1 AS __row, ${places} FROM (\n${from.duckdbSql}\n)`;
      return connection.run(work(`${withClause}${select}`), options);
    });
  await found(wanted, (select) => `CREATE OR REPLACE TEMP TABLE ${FOUND} AS ${select}`);
  await connection.run(`CREATE OR REPLACE TEMP TABLE ${TAKEN} AS ${takenSql(limit)}`, options);
  const [first] = await connection.rows(`SELECT message_topic FROM ${TAKEN} LIMIT 1`, options);
  if (first === undefined) return null;
  await readRecords(reader, connection, wanted, options);
  const heldElsewhere = `SELECT DISTINCT ${MESSAGE} FROM ${TAKEN} WHERE message_kept = 0 AND message_size > 0`;
  await found(
    holders,
    (select) =>
      `CREATE OR REPLACE TEMP TABLE ${HELD} AS SELECT * FROM (${select}) SEMI JOIN (${heldElsewhere}) USING (${MESSAGE})`,
  );
  const values = await readHeld(reader, connection, holders, options);
  const rows = await connection.objects(`SELECT ${READ} FROM ${RECORDS} ORDER BY id`, options);
  const [all] = await connection.rows(`SELECT count(*) FROM ${FOUND}`, options);
  const records = recordsOf(rows, values);
  return { topic: String(first[0]), records, more: Number(all?.[0]) > records.length };
}

/** Removes what `takeRecords` made. */
export async function dropRecords(connection: Connection): Promise<void> {
  const tables = [FOUND, TAKEN, HELD, HELD_VALUES, RECORDS];
  await connection.run(tables.map((name) => `DROP TABLE IF EXISTS ${name}`).join('; '));
}

/** Columns that say which message a record is of, within a topic. The same one may have been read twice. */
const MESSAGE = 'txn_id, message_partition, message_offset';
const ORDER = 'message_partition, message_offset, txn_id, row_start, __file, __row';

/** The first records of one topic: `limit` at most, and not more than fits into memory. A message counts once. */
function takenSql(limit: number): string {
  const numbered = `SELECT *, row_number() OVER (PARTITION BY ${MESSAGE} ORDER BY row_start, __file, __row) AS of_message FROM ${FOUND} WHERE message_topic = (SELECT min(message_topic) FROM ${FOUND})`;
  const summed = `SELECT *, row_number() OVER (ORDER BY ${ORDER}) - 1 AS id, sum(CASE WHEN of_message = 1 THEN message_size ELSE 0 END) OVER (ORDER BY ${ORDER} ROWS UNBOUNDED PRECEDING) AS bytes FROM (${numbered})`;
  return `SELECT * EXCLUDE (of_message, bytes) FROM (${summed}) WHERE (id = 0 OR bytes <= ${MESSAGE_BYTES}) AND id < ${limit}`;
}

/** All columns of the records that were taken. */
async function readRecords(
  reader: SourceReader,
  connection: Connection,
  places: RecordPlaces,
  options: Options,
): Promise<void> {
  const columns = REJECTED_RECORDS_SCHEMA.columns.map(({ name }) => name);
  await readPlaces(
    { from: TAKEN, into: RECORDS, columns, extra: 't.id, t.__file, t.__row' },
    reader,
    connection,
    places,
    options,
  );
}

/** Values by message, of records whose own have none. */
async function readHeld(
  reader: SourceReader,
  connection: Connection,
  places: RecordPlaces,
  options: Options,
): Promise<ReadonlyMap<string, Buffer>> {
  const columns = ['message_value'];
  const extra = MESSAGE.split(', ')
    .map((name) => `t.${name}`)
    .join(', ');
  await readPlaces(
    { from: HELD, into: HELD_VALUES, columns, extra },
    reader,
    connection,
    places,
    options,
  );
  const rows = await connection.rows(
    `SELECT message_value, ${MESSAGE} FROM ${HELD_VALUES}`,
    options,
  );
  return new Map(
    rows.flatMap(([value, ...key]) => {
      const bytes = bytesOf(value);
      return bytes === null ? [] : [[key.join(':'), bytes] as const];
    }),
  );
}

/** Reads only the files that places were found in: they are counted anew. */
async function readPlaces(
  {
    from,
    into,
    columns,
    extra,
  }: {
    readonly from: string;
    readonly into: string;
    readonly columns: readonly string[];
    readonly extra: string;
  },
  reader: SourceReader,
  connection: Connection,
  places: RecordPlaces,
  options: Options,
): Promise<void> {
  const scan = changedScan(places);
  const used = await connection.rows(`SELECT DISTINCT __file FROM ${from} ORDER BY 1`, options);
  const indices = used.map(([file]) => Number(file));
  const pairs = indices.map((file, index) => `(${index}, ${file})`).join(', ');
  const subset: QueryScan = {
    ...scan,
    columns,
    files: indices.flatMap((index) => scan.files[index] ?? []),
  };
  const mapped = pairs === '' ? '(0, -1)' : pairs;
  const list = columns.map((name) => `r.${name}`).join(', ');
  const sources = { scans: [subset], inlineTables: [], volumes: places.volumes };
  await withSources(reader, connection, sources, options.signal, (withClause) =>
    connection.run(
      `CREATE OR REPLACE TEMP TABLE ${into} AS ${withClause}SELECT ${list}, ${extra} FROM ${scan.placeholder} r JOIN (VALUES ${mapped}) m(own, file) ON r.__file = m.own JOIN ${from} t ON t.__file = m.file AND t.__row = r.__row`,
      options,
    ),
  );
}

const READ = [
  'epoch_ms(created_at) AS created',
  'load_label AS label',
  'txn_id AS txn',
  'user_name AS user_name',
  'coalesce(replays, 0) AS replays',
  'message_partition AS partition_no',
  'message_offset AS at_offset',
  'coalesce(epoch_ms(message_timestamp), -1) AS at_ms',
  'message_key AS key',
  'CAST(message_headers AS VARCHAR) AS headers',
  'CASE WHEN message_kept > 0 OR message_size = 0 THEN message_value END AS value',
  'message_size AS size',
  'row_start AS row_start',
  'row_end AS row_end',
  'row_element AS row_element',
].join(', ');

function recordsOf(
  rows: readonly Readonly<Record<string, EngineValue>>[],
  held: ReadonlyMap<string, Buffer>,
): readonly ReplayRecord[] {
  const messages = new Map<string, KeptMessage>();
  const found = rows.map((row) => {
    const messageKey = [row['txn'], row['partition_no'], row['at_offset']].join(':');
    const own = Number(row['size']) === 0 ? Buffer.alloc(0) : bytesOf(row['value']);
    const value = own ?? held.get(messageKey) ?? null;
    if (value !== null && !messages.has(messageKey)) {
      messages.set(messageKey, {
        partition: Number(row['partition_no']),
        offset: BigInt(String(row['at_offset'])),
        timestampMs: Number(row['at_ms']),
        key: bytesOf(row['key']),
        headers: String(row['headers'] ?? '[]'),
        value,
      });
    }
    return { row, messageKey };
  });
  return found.map(({ row, messageKey }) => ({
    createdMs: Number(row['created']),
    label: String(row['label']),
    transactionId: Number(row['txn']),
    userName: String(row['user_name']),
    replays: Number(row['replays']),
    rowStart: Number(row['row_start']),
    rowEnd: Number(row['row_end']),
    element: row['row_element'] === null ? null : Number(row['row_element']),
    valueBytes: Number(row['size']),
    message: messages.get(messageKey) ?? null,
    messageKey,
  }));
}

function bytesOf(value: EngineValue | undefined): Buffer | null {
  return value instanceof Uint8Array
    ? Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    : null;
}
