// Runs a QueryPlan on the CN: scans become read_parquet over local paths, the result is first made whole
// (a temporary table: DuckDB's own streams end silently after an error), then encoded as MySQL rows.
// Must never hand out a cut result as whole, nor hold input files while a slow client reads.
import { assert, present } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import { fail } from '../base/errors.ts';
import { quoteIdentifier, quoteLiteral } from '../model/duckdb-text.ts';
import { readParquetSql, readSelectList } from '../model/parquet-layout.ts';
import type { InlineTable, QueryPlan, QueryScan } from '../model/query-plan.ts';
import { duckdbType } from '../model/sql-type.ts';
import type { DataFile, VolumeSpec } from '../model/table.ts';
import { RowEncoder } from '../mysql/row-encoder.ts';
import type { Connection, StatementOptions } from './connection.ts';
import type { Engine } from './duckdb.ts';
import { profileLines } from './profile.ts';
import { type ColumnEncoder, columnEncoder } from './value-encoders.ts';

/** Encoded chunks (about 128 KB each) that may wait for the sink before encoding pauses. */
const MAX_PENDING_CHUNKS = 4;
const RESULT_TABLE = '__result';
/** Results of at most so many rows are not stored first: a row is a few MB at the very most. */
const FEW_ROWS = 100;

/** Local paths of files, in the order asked, that stay there until released. */
export interface PinnedFiles {
  readonly paths: readonly string[];
  release(): void;
}

/** Makes data files readable at local paths: in place or through the disk cache. */
export type FileResolver = (
  files: readonly DataFile[],
  volumes: readonly VolumeSpec[],
  signal: AbortSignal,
) => Promise<PinnedFiles>;

/** Takes MySQL row packets in order; resolves when there is room for more. Rejecting ends the query. */
export type RowSink = (chunk: Buffer) => Promise<void>;

export interface QueryRunnerOptions {
  readonly engine: Engine;
  readonly resolve: FileResolver;
  readonly clock: Clock;
}

export interface QueryOutcome {
  readonly rowCount: number;
  /** Sequence id that the packet after the last row must carry. */
  readonly nextSequence: number;
}

export interface QueryRunner {
  /**
   * Runs the plan and sends every row to `sink`, the first packet with `firstSequence`. Resolves after the
   * last row was taken; otherwise rejects with an AppError, and the result must be ended as an error.
   * `plan.timeoutMs` limits all of it, waiting for the sink included.
   */
  run(
    plan: QueryPlan,
    firstSequence: number,
    sink: RowSink,
    signal: AbortSignal,
  ): Promise<QueryOutcome>;
}

export function createQueryRunner(options: QueryRunnerOptions): QueryRunner {
  return {
    run: (plan, firstSequence, sink, signal) =>
      withTimeLimit(options.clock, plan.timeoutMs, signal, async (limited) => {
        const connection = await options.engine.connect();
        try {
          if (plan.profile === true) {
            return await runProfile(options, connection, { plan, firstSequence, sink, limited });
          }
          if (plan.maxRows !== null && plan.maxRows <= FEW_ROWS) {
            const chunks = await fewRows(options, connection, plan, limited);
            return await sendChunks(chunks, { plan, firstSequence, sink, limited });
          }
          if (plan.tryFewFirst === true) {
            const chunks = await fewRows(options, connection, plan, limited, FEW_ROWS + 1);
            if (chunks.reduce((sum, chunk) => sum + chunk.rowCount, 0) <= FEW_ROWS) {
              return await sendChunks(chunks, { plan, firstSequence, sink, limited });
            }
          }
          const rowCount = await materialize(options, connection, plan, limited);
          return await sendRows(connection, { plan, firstSequence, rowCount, sink, limited });
        } finally {
          await connection.close();
        }
      }),
  };
}

/** Runs `work` with a signal that also aborts after `timeoutMs` (with TIMEOUT as its reason). */
async function withTimeLimit<T>(
  clock: Clock,
  timeoutMs: number,
  signal: AbortSignal,
  work: (limited: AbortSignal) => Promise<T>,
): Promise<T> {
  const stop = new AbortController();
  const onAbort = (): void => stop.abort(signal.reason ?? fail('CANCELLED'));
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  const timer = clock.after(timeoutMs, () =>
    stop.abort(
      fail('TIMEOUT', { what: 'the query', timeoutMs, hint: 'SET query_timeout raises it' }),
    ),
  );
  try {
    return await work(stop.signal);
  } finally {
    timer.cancel();
    signal.removeEventListener('abort', onAbort);
  }
}

/**
 * The rows of a plan, or its first `most`: few, so computed whole in memory by one statement, which fails as
 * a whole. Three statements less than through the temporary table.
 */
function fewRows(
  options: QueryRunnerOptions,
  connection: Connection,
  plan: QueryPlan,
  signal: AbortSignal,
  most?: number,
): ReturnType<Connection['chunks']> {
  const limit = most === undefined ? '' : ` LIMIT ${most}`;
  return withPaths(options, plan, signal, (paths) =>
    connection.chunks(`${selectSql(plan, paths)}${limit}`, { signal }),
  );
}

async function sendChunks(
  chunks: Awaited<ReturnType<Connection['chunks']>>,
  { plan, firstSequence, sink, limited: signal }: Omit<Sending, 'rowCount'>,
): Promise<QueryOutcome> {
  const pending: Buffer[] = [];
  const encoder = new RowEncoder(firstSequence, (chunk) => pending.push(chunk));
  for (const chunk of chunks) {
    const columns = plan.columns.map((_, index) =>
      columnEncoder(chunk.getColumnVector(index).type, index),
    );
    for (const column of columns) column.load(chunk);
    for (let row = 0; row < chunk.rowCount; ) {
      row = encodeRows(encoder, columns, row, chunk.rowCount, pending);
      await drain(pending, sink, signal);
    }
  }
  encoder.flush();
  await drain(pending, sink, signal);
  return { rowCount: encoder.rowCount, nextSequence: encoder.sequence };
}

/** EXPLAIN ANALYZE: the statement runs, its rows are dropped, and its profile is sent as lines. */
async function runProfile(
  options: QueryRunnerOptions,
  connection: Connection,
  { plan, firstSequence, sink, limited: signal }: Omit<Sending, 'rowCount'>,
): Promise<QueryOutcome> {
  const rows = await withPaths(options, plan, signal, (paths) =>
    connection.rows(`EXPLAIN (ANALYZE, FORMAT JSON) ${selectSql(plan, paths)}`, { signal }),
  );
  const pending: Buffer[] = [];
  const encoder = new RowEncoder(firstSequence, (chunk) => pending.push(chunk));
  for (const line of profileLines(String(present(rows[0]?.[1], 'profile')))) {
    encoder.startRow();
    encoder.string(line);
    encoder.endRow();
  }
  encoder.flush();
  await drain(pending, sink, signal);
  return { rowCount: encoder.rowCount, nextSequence: encoder.sequence };
}

/** Computes the whole result into a temporary table; gives its row count. Spills to disk beyond the memory limit. */
async function materialize(
  options: QueryRunnerOptions,
  connection: Connection,
  plan: QueryPlan,
  signal: AbortSignal,
): Promise<number> {
  const rows = await withPaths(options, plan, signal, (paths) =>
    connection.rows(resultTableSql(plan, paths), { signal }),
  );
  return Number(present(rows[0]?.[0], 'row count of the result'));
}

/** What the generated SQL of a plan names by placeholder. */
export type PlanSources = Pick<QueryPlan, 'scans' | 'inlineTables' | 'volumes'>;

/**
 * Runs `work` with the WITH clause that puts the sources in scope ('' without any), while their files lie at
 * local paths. For statements other than a query.
 */
export function withSources<T>(
  options: Pick<QueryRunnerOptions, 'resolve'>,
  sources: PlanSources,
  signal: AbortSignal,
  work: (withClause: string) => Promise<T>,
): Promise<T> {
  return withPaths(options, sources, signal, (paths) => work(sourcesSql(sources, paths)));
}

/** Runs `work` with a local path for each file of each scan, in order; they stay until it is done. */
async function withPaths<T>(
  options: Pick<QueryRunnerOptions, 'resolve'>,
  plan: PlanSources,
  signal: AbortSignal,
  work: (paths: readonly string[]) => Promise<T>,
): Promise<T> {
  const files = plan.scans.flatMap((scan) => scan.files);
  const pinned = await options.resolve(files, plan.volumes, signal);
  try {
    assert(pinned.paths.length === files.length, 'a path for every file');
    return await work(pinned.paths);
  } finally {
    pinned.release();
  }
}

/** The statement that fills the result table. `paths` holds one path for each file of each scan, in order. Exported for tests. */
export function resultTableSql(plan: QueryPlan, paths: readonly string[]): string {
  const columns = plan.columns.map((_, index) => `c${index}`).join(', ');
  return `CREATE TEMP TABLE ${RESULT_TABLE} (${columns}) AS\n${selectSql(plan, paths)}`;
}

/** The plan's statement with its scans in scope. */
function selectSql(plan: QueryPlan, paths: readonly string[]): string {
  return `${sourcesSql(plan, paths)}SELECT * FROM (\n${plan.duckdbSql}\n)`;
}

function sourcesSql(plan: PlanSources, paths: readonly string[]): string {
  let next = 0;
  const sources = plan.scans.map((scan) => {
    const own = paths.slice(next, next + scan.files.length);
    next += own.length;
    return commonTable(scan.placeholder, scanSql(scan, own));
  });
  sources.push(
    ...plan.inlineTables.map((table) => commonTable(table.placeholder, inlineSql(table))),
  );
  return sources.length === 0 ? '' : `WITH ${sources.join(',\n')}\n`;
}

/** Not materialized: filters and the choice of columns reach the files. */
function commonTable(placeholder: string, sql: string): string {
  return `${quoteIdentifier(placeholder)} AS NOT MATERIALIZED (${sql})`;
}

function scanSql(scan: QueryScan, paths: readonly string[]): string {
  const wanted = scan.schema.columns.filter(({ name }) => scan.columns.includes(name));
  // count(*) reads no column, but a relation needs one: it is pruned again by the engine.
  const columns = wanted.length > 0 ? wanted : scan.schema.columns.slice(0, 1);
  if (paths.length === 0) return emptySql(columns);
  const schema = { ...scan.schema, columns };
  const rowCount = scan.files.reduce((sum, file) => sum + file.rowCount, 0);
  return `SELECT ${readSelectList(schema)} FROM ${readParquetSql(schema, paths, rowCount)}`;
}

function inlineSql(table: InlineTable): string {
  if (table.rows.length === 0) return emptySql(table.columns);
  const names = table.columns.map((_, index) => `v${index}`);
  const list = table.columns.map(
    ({ name, type }, index) => `CAST(v${index} AS ${duckdbType(type)}) AS ${quoteIdentifier(name)}`,
  );
  const rows = table.rows.map((row) => {
    assert(row.length === table.columns.length, 'an inline row has all columns');
    const values = row.map((value) => (value === null ? 'NULL::VARCHAR' : quoteLiteral(value)));
    return `(${values.join(', ')})`;
  });
  return `SELECT ${list.join(', ')} FROM (VALUES ${rows.join(', ')}) AS inline_rows(${names.join(', ')})`;
}

function emptySql(
  columns: readonly {
    readonly name: string;
    readonly type: QueryPlan['columns'][number]['type'];
  }[],
): string {
  const list = columns.map(
    ({ name, type }) => `CAST(NULL AS ${duckdbType(type)}) AS ${quoteIdentifier(name)}`,
  );
  return `SELECT ${list.join(', ')} WHERE false`;
}

interface Sending {
  readonly plan: QueryPlan;
  readonly firstSequence: number;
  readonly rowCount: number;
  readonly sink: RowSink;
  readonly limited: AbortSignal;
}

async function sendRows(connection: Connection, sending: Sending): Promise<QueryOutcome> {
  const { plan, limited: signal } = sending;
  const pending: Buffer[] = [];
  const encoder = new RowEncoder(sending.firstSequence, (chunk) => pending.push(chunk));
  const options: StatementOptions = { signal };
  const stream = await connection.stream(`SELECT * FROM ${RESULT_TABLE}`, options);
  assert(stream.types.length === plan.columns.length, 'result columns as planned');
  const columns = stream.types.map((type, index) => columnEncoder(type, index));
  let next = stream.fetch();
  try {
    for (let chunk = await next; chunk !== null; chunk = await next) {
      // The engine's thread fetches the next chunk while this one is encoded here.
      next = stream.fetch();
      for (const column of columns) column.load(chunk);
      for (let row = 0; row < chunk.rowCount; ) {
        row = encodeRows(encoder, columns, row, chunk.rowCount, pending);
        await drain(pending, sending.sink, signal);
      }
    }
  } catch (thrown) {
    await next.catch(() => undefined);
    throw thrown;
  }
  // The stream's end alone proves nothing: the count does.
  if (encoder.rowCount !== sending.rowCount) {
    signal.throwIfAborted();
    throw fail('INTERNAL', {
      detail: `the result ended after ${encoder.rowCount} of ${sending.rowCount} rows`,
    });
  }
  encoder.flush();
  await drain(pending, sending.sink, signal);
  return { rowCount: encoder.rowCount, nextSequence: encoder.sequence };
}

/** Encodes rows from `from` until the chunk ends or enough waits to be sent; gives the next row. */
function encodeRows(
  encoder: RowEncoder,
  columns: readonly ColumnEncoder[],
  from: number,
  rowCount: number,
  pending: readonly Buffer[],
): number {
  let row = from;
  while (row < rowCount && pending.length < MAX_PENDING_CHUNKS) {
    encoder.startRow();
    for (const column of columns) column.write(row, encoder);
    encoder.endRow();
    row += 1;
  }
  return row;
}

async function drain(pending: Buffer[], sink: RowSink, signal: AbortSignal): Promise<void> {
  for (let chunk = pending.shift(); chunk !== undefined; chunk = pending.shift()) {
    signal.throwIfAborted();
    await untilAborted(sink(chunk), signal);
  }
}

/** The promise, or a rejection as soon as the signal aborts: a stalled client cannot hold the query. */
async function untilAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
