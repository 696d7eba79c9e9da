// Resolves a staged batch of a table with keys on the CN: finds the rows of the table that the batch takes the
// place of, and writes their positions as a delete object of the transaction. Rows that depend on the old ones
// (partial update, merge_condition) become the data file, or an overlay of the old rows, here. Makes nothing visible.
import type { Connection, Engine, StatementOptions } from '../engine/duckdb.ts';
import type { KeyIndex } from '../engine/key-index/key-index.ts';
import { notDeletedSql, type SourceReader, withSources } from '../engine/plan-sources.ts';
import type { DraftRows, StagedOverlay, StagedTable } from '../model/load-plan.ts';
import { readParquetSql, readSelectList } from '../model/parquet-layout.ts';
import type { QueryScan } from '../model/query-plan.ts';
import type { ResolvePlan } from '../model/resolve-plan.ts';
import type { StagedFile } from '../model/table.ts';
import { addPositions, type IndexedRows, lookUpIndexed } from './key-look-up.ts';
import { FOLD_TABLES, foldSteps } from './resolve-steps.ts';
import { writeDeletes } from './sink/delete-file.ts';
import { keySchema } from './sink/keyed.ts';
import { writeOverlay } from './sink/overlay-file.ts';
import {
  type KeptColumns,
  keptOf,
  mergedSql,
  NEW,
  overlayRowsSql,
  sameKey,
  wholeRowsSql,
} from './transform/merge-draft.ts';
import { GONE, giveIds, type WholeRowServices, writeWhole } from './whole-rows.ts';

export interface ResolveServices extends WholeRowServices, SourceReader {
  readonly engine: Engine;
  /** Null: keys are always looked up by reading the files. */
  readonly keyIndex: KeyIndex | null;
}

/** Old rows of the batch's keys. */
const OLD = '__old';
const SCAN = '__table';
const TABLES = [GONE, OLD, NEW];

/** Local paths of what was staged. */
interface BatchPaths {
  readonly files: readonly string[];
  readonly deletes: string | null;
  readonly draft: string | null;
}

/**
 * What is to be committed: the files, and the deletes of older rows of their keys at the plan's version. Throws
 * engine and storage errors; what it had written then is without effect.
 */
export async function runResolve(
  plan: ResolvePlan,
  services: ResolveServices,
  signal: AbortSignal,
): Promise<StagedTable> {
  const { staged, version: resolvedAt } = plan;
  const { draft, steps } = staged.keyed ?? {};
  const isWritten = draft === undefined && steps === undefined;
  if (plan.files.length === 0 && isWritten) return { ...staged, resolvedAt };
  const options = { signal, timeoutMs: plan.timeoutMs };
  if (steps !== undefined) {
    return await services.engine.withConnection(async (connection) => {
      try {
        const files = await foldSteps(plan, steps, services, connection, options);
        const deletes = await deletesOf(plan, services, connection, options);
        return { ...staged, files, ...(deletes === null ? {} : { deletes }), resolvedAt };
      } finally {
        await connection.run(FOLD_TABLES.map(dropSql).join('; '));
      }
    });
  }
  return await withBatch(plan, services, signal, (paths) =>
    services.engine.withConnection(async (connection) => {
      try {
        const { files: made, overlay } =
          draft === undefined
            ? await findGone(plan, paths, services, connection, options)
            : await deriveRows(plan, draft, paths, services, connection, options);
        const deletes = await deletesOf(plan, services, connection, options);
        return {
          ...staged,
          files: [...staged.files, ...made],
          ...(deletes === null ? {} : { deletes }),
          ...(overlay === null ? {} : { overlay }),
          resolvedAt,
        };
      } finally {
        await connection.run(TABLES.map(dropSql).join('; '));
      }
    }),
  );
}

function dropSql(table: string): string {
  return `DROP TABLE IF EXISTS ${table}`;
}

type Options = StatementOptions & { readonly signal: AbortSignal };

/** What was made of a batch beside the positions that go. */
interface Derived {
  readonly files: readonly StagedFile[];
  readonly overlay: StagedOverlay | null;
}

/** Fills the positions that go: through the key index where there is one, by reading the other files. */
async function findGone(
  plan: ResolvePlan,
  paths: BatchPaths,
  services: ResolveServices,
  connection: Connection,
  options: Options,
): Promise<Derived> {
  const { signal } = options;
  const keys = keySchema(plan.schema, plan.target.keys ?? []);
  const found = await lookUpIndexed(
    { plan, keys, batchSql: keysSql(plan, batchPaths(paths)) },
    services,
    connection,
    options,
  );
  const read = found === null ? plan.files : found.rest.map(({ file }) => file);
  if (read.length === 0) {
    await connection.run(`CREATE OR REPLACE TEMP TABLE ${GONE} (__file INTEGER, __row BIGINT)`);
  } else {
    const scanned = { ...plan, files: read };
    const sources = { scans: [scanOf(scanned)], inlineTables: [], volumes: plan.volumes };
    await withSources(services, connection, sources, signal, (withClause) =>
      connection.run(
        `CREATE OR REPLACE TEMP TABLE ${GONE} AS ${withClause}${placed(goneSql(scanned, paths), found)}`,
        options,
      ),
    );
  }
  if (found !== null) await addPositions(connection, GONE, found);
  return { files: [], overlay: null };
}

/** The positions with the files' places among all that were looked at. */
function placed(rowsSql: string, found: IndexedRows | null): string {
  if (found === null) return rowsSql;
  const places = found.rest.map(({ place }) => place).join(', ');
  return `SELECT CAST([${places}][__file + 1] AS INTEGER) AS __file, __row FROM (${rowsSql})`;
}

/** Makes the rows that depend on old ones, fills the positions that go. */
async function deriveRows(
  plan: ResolvePlan,
  draft: DraftRows,
  paths: BatchPaths,
  services: ResolveServices,
  connection: Connection,
  options: Options,
): Promise<Derived> {
  const run = (sql: string): Promise<void> => connection.run(sql, options);
  const sources = { scans: [scanOf(plan)], inlineTables: [], volumes: plan.volumes };
  const kept = keptOf(plan, draft);
  return await withSources(services, connection, sources, options.signal, async (withClause) => {
    await run(`CREATE OR REPLACE TEMP TABLE ${OLD} AS ${withClause}${oldSql(plan, paths)}`);
    const old = oldRowsSql(plan, paths);
    const merged = mergedSql(plan, draft, kept, old, paths.draft);
    await run(`CREATE OR REPLACE TEMP TABLE ${NEW} AS ${merged}`);
    await giveIds(plan, draft, services, connection, options);
    await run(`CREATE OR REPLACE TEMP TABLE ${GONE} AS ${goneOfDraftSql(plan, kept, paths)}`);
    const whole = wholeRowsSql(plan, draft, kept);
    const files = await writeWhole(plan, whole, services, connection, options);
    return { files, overlay: await overlayOf(plan, draft, kept, services, connection, options) };
  });
}

/** Runs `work` while what was staged lies at local paths. */
async function withBatch<T>(
  { staged, volumes }: ResolvePlan,
  services: ResolveServices,
  signal: AbortSignal,
  work: (paths: BatchPaths) => Promise<T>,
): Promise<T> {
  const { deletes = null, draft } = staged.keyed ?? {};
  const single = [deletes, draft?.file ?? null];
  const all = [...staged.files, ...single.filter((file) => file !== null)];
  const pinned = await services.resolve(all, volumes, signal);
  try {
    const path = (file: StagedFile | null): string | null =>
      file === null ? null : (pinned.paths[all.indexOf(file)] ?? null);
    return await work({
      files: pinned.paths.slice(0, staged.files.length),
      deletes: path(deletes),
      draft: path(draft?.file ?? null),
    });
  } finally {
    pinned.release();
  }
}

/** Keys with positions; for a draft also the columns of old rows that are kept, and the one that decides. */
function scanOf(plan: ResolvePlan): QueryScan {
  const { schema, target, files, staged } = plan;
  const columns = new Set(target.keys ?? []);
  const { draft } = staged.keyed ?? {};
  if (draft !== undefined) {
    for (const { name } of keptOf(plan, draft).columns) columns.add(name);
    if (draft.rule.condition !== null) columns.add(draft.rule.condition);
  }
  return { placeholder: SCAN, schema, columns: [...columns], files, positions: 'all' };
}

/** Positions of all rows whose key is in the batch. */
function goneSql(plan: ResolvePlan, paths: BatchPaths): string {
  const rows = `SELECT t.__file, t.__row FROM ${SCAN} t SEMI JOIN (${batchKeysSql(plan, paths)}) b ON ${sameKey(plan, 't', 'b')}`;
  // The look-up leaves few rows: only of these it is asked whether they are deleted.
  return notDeletedSql(scanOf(plan), rows);
}

function oldSql(plan: ResolvePlan, paths: BatchPaths): string {
  const rows = `SELECT t.* FROM ${SCAN} t SEMI JOIN (${batchKeysSql(plan, paths)}) b ON ${sameKey(plan, 't', 'b')}`;
  return notDeletedSql(scanOf(plan), rows);
}

function batchKeysSql(plan: ResolvePlan, paths: BatchPaths): string {
  return keysSql(plan, batchPaths(paths));
}

function batchPaths({ files, deletes, draft }: BatchPaths): readonly string[] {
  return [...files, ...[deletes, draft].filter((path) => path !== null)];
}

function keysSql({ schema, target }: ResolvePlan, paths: readonly string[]): string {
  const keys = keySchema(schema, target.keys ?? []);
  return `SELECT ${readSelectList(keys)} FROM ${readParquetSql(keys, paths)}`;
}

/** Old rows of keys that the batch does not delete before: a row that comes after that has none any more. */
function oldRowsSql(plan: ResolvePlan, { deletes }: BatchPaths): string {
  return deletes === null
    ? OLD
    : `(SELECT a.* FROM ${OLD} a ANTI JOIN (${keysSql(plan, [deletes])}) b ON ${sameKey(plan, 'a', 'b')})`;
}

function goneOfDraftSql(plan: ResolvePlan, kept: KeptColumns, { deletes }: BatchPaths): string {
  // Rows below an overlay stay.
  const goes = kept.overlaid === null ? '__row IS NOT NULL' : 'false';
  const replaced = `SELECT __file, __row FROM ${NEW} WHERE ${goes}`;
  if (deletes === null) return replaced;
  return `${replaced} UNION ALL SELECT o.__file, o.__row FROM ${OLD} o SEMI JOIN (${keysSql(plan, [deletes])}) b ON ${sameKey(plan, 'o', 'b')}`;
}

async function deletesOf(
  plan: ResolvePlan,
  services: ResolveServices,
  connection: Connection,
  options: Options,
): ReturnType<typeof writeDeletes> {
  const { target, volumes, transactionId, files } = plan;
  const to = { target, store: await services.openStore(target.volume), volumes };
  return await writeDeletes(to, transactionId, services, connection, files, GONE, options);
}

async function overlayOf(
  plan: ResolvePlan,
  draft: DraftRows,
  { overlaid }: KeptColumns,
  services: ResolveServices,
  connection: Connection,
  options: StatementOptions,
): ReturnType<typeof writeOverlay> {
  if (overlaid === null) return null;
  const { target, transactionId, files } = plan;
  const store = await services.openStore(target.volume);
  const rows = overlayRowsSql(plan, draft, overlaid);
  const to = { target, store, files, columns: overlaid };
  return await writeOverlay(to, transactionId, services, connection, rows, options);
}
