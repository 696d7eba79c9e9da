// Runs a QueryPlan on the CN: scans become read_parquet over local paths, the result is first made whole
// (a temporary table: DuckDB's own streams end silently after an error), then encoded as MySQL rows.
// Must never hand out a cut result as whole, nor hold input files while a slow client reads.
import { assert, present } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import { fail } from '../base/errors.ts';
import type { QueryPlan } from '../model/query-plan.ts';
import { RowEncoder } from '../mysql/row-encoder.ts';
import type { Connection, StatementOptions } from './connection.ts';
import type { Engine } from './duckdb.ts';
import type { HotBlocks } from './hot-blocks.ts';
import { type SourceReader, withSources } from './plan-sources.ts';
import { profileLines } from './profile.ts';
import { type ColumnEncoder, columnEncoder } from './value-encoders.ts';

/** Encoded chunks (about 128 KB each) that may wait for the sink before encoding pauses. */
const MAX_PENDING_CHUNKS = 4;
const RESULT_TABLE = '__result';
/** Results of at most so many rows are not stored first: a row is a few MB at the very most. */
const FEW_ROWS = 100;

/** Takes MySQL row packets in order; resolves when there is room for more. Rejecting ends the query. */
export type RowSink = (chunk: Buffer) => Promise<void>;

export interface QueryRunnerOptions extends SourceReader {
  readonly engine: Engine;
  readonly clock: Clock;
  /** Answers look-ups from memory where it can. */
  readonly hotBlocks?: HotBlocks;
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
        const hot = plan.profile === true ? null : options.hotBlocks?.answer(plan, firstSequence);
        if (hot != null) {
          if (hot.rowCount > 0) await drain([hot.packets], sink, limited);
          return { rowCount: hot.rowCount, nextSequence: hot.nextSequence };
        }
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
  return withSources(options, connection, plan, signal, (sources) =>
    connection.chunks(`${selectSql(plan, sources)}${limit}`, { signal }),
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
  const rows = await withSources(options, connection, plan, signal, (sources) =>
    connection.rows(`EXPLAIN (ANALYZE, FORMAT JSON) ${selectSql(plan, sources)}`, { signal }),
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
  const rows = await withSources(options, connection, plan, signal, (sources) =>
    connection.rows(resultTableSql(plan, sources), { signal }),
  );
  return Number(present(rows[0]?.[0], 'row count of the result'));
}

/** The statement that fills the result table; `sources` is the WITH clause of the plan's sources. */
function resultTableSql(plan: QueryPlan, sources: string): string {
  const columns = plan.columns.map((_, index) => `c${index}`).join(', ');
  return `CREATE TEMP TABLE ${RESULT_TABLE} (${columns}) AS\n${selectSql(plan, sources)}`;
}

/** The plan's statement with its scans in scope. */
function selectSql(plan: QueryPlan, sources: string): string {
  return `${sources}SELECT * FROM (\n${plan.duckdbSql}\n)`;
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
