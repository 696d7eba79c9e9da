// Resolves the batches of one transaction that meet old rows in different ways (whole rows, some columns, with a
// merge_condition): one after the other, each upon what those before made of the old rows of its keys, as if each had
// been a transaction of its own. Makes nothing visible.
import type { Connection, StatementOptions } from '../engine/duckdb.ts';
import { notDeletedSql, type SourceReader, withSources } from '../engine/plan-sources.ts';
import { quoteIdentifier } from '../model/duckdb-text.ts';
import type { DraftRows, StagedTable } from '../model/load-plan.ts';
import { readParquetSql, readSelectList } from '../model/parquet-layout.ts';
import type { QueryScan } from '../model/query-plan.ts';
import type { ResolvePlan } from '../model/resolve-plan.ts';
import type { StagedFile, TableSchema } from '../model/table.ts';
import { keySchema } from './sink/keyed.ts';
import { keptOf, mergedSql, NEW, sameKey, wholeRowsSql } from './transform/merge-draft.ts';
import { GONE, giveIds, type WholeRowServices, writeWhole } from './whole-rows.ts';

/** What the rows of all keys concerned are by now: columns, and `__file`, `__row` of an old row that is as it was. */
const STATE = '__state';
const SCAN = '__table';
/** `__file` and `__row` of a row that a batch made. */
const MADE = '-1 AS __file, -1 AS __row';

/** Temporary tables that are left behind. */
export const FOLD_TABLES = [GONE, STATE, NEW];

type Options = StatementOptions & { readonly signal: AbortSignal };

/** The files of the rows to write; fills the positions that go. Throws engine and storage errors. */
export async function foldSteps(
  plan: ResolvePlan,
  steps: readonly StagedTable[],
  services: WholeRowServices & SourceReader,
  connection: Connection,
  options: Options,
): Promise<readonly StagedFile[]> {
  const run = (sql: string): Promise<void> => connection.run(sql, options);
  const objects = steps.flatMap(objectsOf);
  const pinned = await services.resolve(objects, plan.volumes, options.signal);
  try {
    const paths = new Map(objects.map(({ key }, index) => [key, pinned.paths[index] ?? '']));
    const pathsOf = (files: readonly StagedFile[]): readonly string[] =>
      files.map(({ key }) => paths.get(key) ?? '');
    await readOld(plan, pathsOf(objects), services, connection, options);
    for (const step of steps) {
      const { deletes = null, draft } = step.keyed ?? {};
      // In a batch of both they came before the rows of the draft, or are of other keys.
      if (deletes !== null) await run(leaveSql(plan, keysSql(plan, pathsOf([deletes]))));
      if (step.files.length > 0) {
        const files = pathsOf(step.files);
        await run(leaveSql(plan, keysSql(plan, files)));
        await run(enterSql(rowsSql(plan.schema, files)));
      }
      if (draft !== undefined) {
        const path = paths.get(draft.file.key) ?? '';
        await applyDraft(plan, asWhole(draft), path, services, connection, options);
      }
    }
    const isLeft = `s.__file = ${GONE}.__file AND s.__row = ${GONE}.__row`;
    await run(`DELETE FROM ${GONE} USING ${STATE} s WHERE ${isLeft}`);
    const columns = plan.schema.columns.map(({ name }) => quoteIdentifier(name)).join(', ');
    const made = `SELECT ${columns} FROM ${STATE} WHERE __row = -1`;
    return await writeWhole(plan, made, services, connection, options);
  } finally {
    pinned.release();
  }
}

/** Old rows of all keys concerned, and their positions. */
async function readOld(
  plan: ResolvePlan,
  paths: readonly string[],
  services: SourceReader,
  connection: Connection,
  options: Options,
): Promise<void> {
  const { schema, files, volumes } = plan;
  const columns = schema.columns.map(({ name }) => name);
  const scan: QueryScan = { placeholder: SCAN, schema, columns, files, positions: 'all' };
  const sources = { scans: [scan], inlineTables: [], volumes };
  await withSources(services, connection, sources, options.signal, async (withClause) => {
    const rows = `SELECT t.* FROM ${SCAN} t SEMI JOIN (${keysSql(plan, paths)}) b ON ${sameKey(plan, 't', 'b')}`;
    const old = `${withClause}${notDeletedSql(scan, rows)}`;
    await connection.run(`CREATE OR REPLACE TEMP TABLE ${STATE} AS ${old}`, options);
  });
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE ${GONE} AS SELECT __file, __row FROM ${STATE}`,
    options,
  );
}

async function applyDraft(
  plan: ResolvePlan,
  draft: DraftRows,
  path: string,
  services: WholeRowServices,
  connection: Connection,
  options: Options,
): Promise<void> {
  const run = (sql: string): Promise<void> => connection.run(sql, options);
  const kept = keptOf(plan, draft);
  await run(`CREATE OR REPLACE TEMP TABLE ${NEW} AS ${mergedSql(plan, draft, kept, STATE, path)}`);
  await giveIds(plan, draft, services, connection, options);
  await run(leaveSql(plan, NEW));
  await run(enterSql(wholeRowsSql(plan, draft, kept)));
}

/** The rows of these keys leave. `keysSql` is a relation, or a query in brackets. */
function leaveSql(plan: ResolvePlan, keys: string): string {
  return `DELETE FROM ${STATE} USING ${keys} b WHERE ${sameKey(plan, STATE, 'b')}`;
}

/** Rows with all columns enter; no row of their keys is there. */
function enterSql(rows: string): string {
  return `INSERT INTO ${STATE} BY NAME SELECT *, ${MADE} FROM (${rows})`;
}

/** Written as whole rows: the next batch may need all of them. */
function asWhole(draft: DraftRows): DraftRows {
  const { mode: _, ...rule } = draft.rule;
  return { ...draft, rule };
}

function objectsOf({ files, keyed }: StagedTable): readonly StagedFile[] {
  const { deletes = null, draft } = keyed ?? {};
  return [
    ...files,
    ...(deletes === null ? [] : [deletes]),
    ...(draft === undefined ? [] : [draft.file]),
  ];
}

function rowsSql(schema: TableSchema, paths: readonly string[]): string {
  return `SELECT ${readSelectList(schema)} FROM ${readParquetSql(schema, paths)}`;
}

function keysSql({ schema, target }: ResolvePlan, paths: readonly string[]): string {
  return `(${rowsSql(keySchema(schema, target.keys ?? []), paths)})`;
}
