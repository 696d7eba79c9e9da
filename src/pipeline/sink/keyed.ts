// The sink of tables in which a row takes the place of an older one with its key: of each key the last row of the
// batch counts, rows to write go to a data file and keys to delete to a key file. What they replace in the table
// is looked up when the batch commits (resolve-run.ts).
import { assert } from '../../base/assert.ts';
import type { TransactionId } from '../../base/ids.ts';
import type { Connection, StatementOptions } from '../../engine/duckdb.ts';
import { quoteIdentifier } from '../../model/duckdb-text.ts';
import { draftFileKey, keyFileKey } from '../../model/file-key.ts';
import type { StagedTable, UpdateRule } from '../../model/load-plan.ts';
import { routeColumn, routeSqls } from '../../model/partition-routing.ts';
import { sortItemsSql } from '../../model/sort-key.ts';
import { duckdbType } from '../../model/sql-type.ts';
import type { TableSchema } from '../../model/table.ts';
import { OPERATION } from '../transform/drop-code.ts';
import type { AppendTarget, SinkServices } from './append.ts';
import { type AppendedRows, appendRows } from './partitioned.ts';

/** Temporary table of the rows to stage. */
export const KEYED_ROWS = '__batch';
const BATCH = KEYED_ROWS;
const LAST = '__last';

/** Key columns of the schema, for objects that hold nothing else. */
export function keySchema(schema: TableSchema, keys: readonly string[]): TableSchema {
  return { ...schema, columns: schema.columns.filter(({ name }) => keys.includes(name)) };
}

export interface KeyedTarget extends AppendTarget {
  readonly keys: readonly string[];
  /** Null: rows take the whole place of older ones. */
  readonly update: UpdateRule | null;
  /** Names of the columns that rows of a data file are sorted by. */
  readonly sortBy: readonly string[];
}

/**
 * Of each key the row that counts: the last one; with a condition the last of those with its greatest value, as
 * if they came one after the other, unless a delete comes last.
 */
function lastSql(to: KeyedTarget, keys: string): string {
  const condition = to.update?.condition ?? null;
  if (condition === null) return `SELECT max(__ordinal) AS o FROM ${BATCH} GROUP BY ${keys}`;
  const type = to.schema.columns.find(({ name }) => name === condition)?.type;
  // A LARGEINT is stored as text, which has another order.
  const value =
    type === undefined
      ? quoteIdentifier(condition)
      : `CAST(${quoteIdentifier(condition)} AS ${duckdbType(type)})`;
  const deleted = `max(CASE WHEN ${OPERATION} = 1 THEN __ordinal ELSE -1 END) OVER (PARTITION BY ${keys})`;
  const counting = `SELECT *, ${deleted} AS __deleted FROM ${BATCH}`;
  const rank = `row_number() OVER (PARTITION BY ${keys} ORDER BY ${OPERATION}, ${value} DESC NULLS LAST, __ordinal DESC)`;
  return `SELECT __ordinal AS o FROM (${counting}) WHERE __ordinal >= __deleted QUALIFY ${rank} = 1`;
}

/**
 * Stages the rows that `rowsSql` gives: the schema's columns in stored form, what the target's routing adds,
 * `__op` (0 = written, 1 = its key's row goes) and `__ordinal`, their order. `check` sees how many there are before anything is written; null when
 * there are none. Throws engine and storage errors.
 */
export async function appendKeyed(
  to: KeyedTarget,
  transactionId: TransactionId,
  services: SinkServices,
  connection: Connection,
  rowsSql: string,
  check: (rowCount: number) => void,
  options: StatementOptions,
): Promise<{ readonly rowCount: number; readonly table: StagedTable | null }> {
  try {
    await connection.run(`CREATE OR REPLACE TEMP TABLE ${BATCH} AS ${rowsSql}`, options);
    return await stageKeyed(to, transactionId, services, connection, check, options);
  } finally {
    await connection.run(`DROP TABLE IF EXISTS ${BATCH}`);
  }
}

/** The same for rows that are in KEYED_ROWS already, of one load or of many batches. */
export async function stageKeyed(
  to: KeyedTarget,
  transactionId: TransactionId,
  services: SinkServices,
  connection: Connection,
  check: (rowCount: number) => void,
  options: StatementOptions,
): Promise<{ readonly rowCount: number; readonly table: StagedTable | null }> {
  const keys = to.keys.map(quoteIdentifier).join(', ');
  try {
    await connection.run(`CREATE OR REPLACE TEMP TABLE ${LAST} AS ${lastSql(to, keys)}`, options);
    const [counts] = await connection.rows(
      `SELECT (SELECT count(*) FROM ${BATCH}), (SELECT count(*) FROM ${LAST}), (SELECT count(*) FROM ${BATCH} WHERE ${OPERATION} = 1)`,
      options,
    );
    const [rowCount, keyCount] = [Number(counts?.[0]), Number(counts?.[1])];
    check(rowCount);
    if (rowCount === 0) return { rowCount, table: null };
    const list = to.schema.columns.map(({ name }) => quoteIdentifier(name)).join(', ');
    const last = (columns: string, operation: number): string =>
      `SELECT ${columns} FROM ${BATCH} WHERE ${OPERATION} = ${operation}${rowCount === keyCount ? '' : ` AND __ordinal IN (SELECT o FROM ${LAST})`}`;
    const append = (target: AppendTarget, rows: string): Promise<AppendedRows> =>
      appendRows(target, transactionId, services, connection, rows, () => undefined, options);
    // Only what goes into the table at once has its place there; keys and drafts are one file each.
    const { routing, ...whole } = to.target;
    const { update } = to;
    const isSorted = update === null && to.sortBy.length > 0;
    const order = isSorted
      ? ` ORDER BY ${sortItemsSql(to.sortBy, BATCH, `${BATCH}.__ordinal`)}`
      : '';
    const route = routing === undefined || update !== null ? [] : routeSqls(routing);
    const placed = [list, ...route.map((_, index) => routeColumn(index))].join(', ');
    const written = await append(
      update === null ? to : { ...to, target: whole, keyOf: draftFileKey },
      `${last(placed, 0)}${order}`,
    );
    const keyTarget = {
      ...to,
      target: whole,
      schema: keySchema(to.schema, to.keys),
      keyOf: keyFileKey,
    };
    // Rows that depend on old ones must know of a delete before them, too: then there is no old one.
    const deletedSql =
      update === null
        ? last(keys, 1)
        : `SELECT DISTINCT ${keys} FROM ${BATCH} WHERE ${OPERATION} = 1`;
    const deleted =
      Number(counts?.[2]) === 0 ? { rowCount: 0, files: [] } : await append(keyTarget, deletedSql);
    assert(
      update !== null || written.rowCount + deleted.rowCount === keyCount,
      `${keyCount} keys are ${written.rowCount} written and ${deleted.rowCount} deleted rows`,
    );
    const replacedRows = rowCount - written.rowCount - deleted.rowCount;
    const keyed = { deletes: deleted.files[0] ?? null, replacedRows };
    const { tableId } = to.target;
    const { files } = written;
    const [file] = files;
    if (file === undefined || update === null) {
      return { rowCount, table: { tableId, files, keyed } };
    }
    const given = to.schema.columns.map(({ name }) => name);
    const fieldIds = to.schema.columns.map(({ fieldId }) => fieldId);
    const draft = { file, rule: update, given, fieldIds };
    return { rowCount, table: { tableId, files: [], keyed: { ...keyed, draft } } };
  } finally {
    await connection.run(`DROP TABLE IF EXISTS ${LAST}`);
  }
}
