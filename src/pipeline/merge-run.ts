// Makes one staged batch of several that loads of one transaction staged for a table with keys: of each key the last
// row counts, whether it is written or deletes. What that batch takes the place of in the table is looked up when
// the transaction commits, as of any batch. Makes nothing visible; the parts' own files are swept later.
import { assert } from '../base/assert.ts';
import { failpoint } from '../base/failpoints.ts';
import type { Engine } from '../engine/duckdb.ts';
import type { SourceReader } from '../engine/plan-sources.ts';
import { quoteIdentifier } from '../model/duckdb-text.ts';
import type { StagedTable } from '../model/load-plan.ts';
import type { MergePlan } from '../model/merge-plan.ts';
import { readParquetSql, readSelectList, storeSelectList } from '../model/parquet-layout.ts';
import { routeColumn, routeSqls } from '../model/partition-routing.ts';
import { loadOrder } from '../model/sort-key.ts';
import { duckdbType } from '../model/sql-type.ts';
import type { StagedFile, TableSchema, VolumeSpec } from '../model/table.ts';
import type { SinkServices, SinkStore } from './sink/append.ts';
import { appendKeyed, keySchema } from './sink/keyed.ts';
import { OPERATION } from './transform/drop-code.ts';

export interface MergeServices extends Pick<SourceReader, 'resolve'>, SinkServices {
  readonly engine: Engine;
  readonly openStore: (volume: VolumeSpec) => Promise<SinkStore>;
}

/** Rows of one part come before those of the next. */
const PART_ORDINALS = 2 ** 40;

/** Throws engine and storage errors; what it had written then is without effect. */
export async function runMerge(
  plan: MergePlan,
  services: MergeServices,
  signal: AbortSignal,
): Promise<StagedTable> {
  const { target, draft, parts, timeoutMs, transactionId } = plan;
  const keys = target.keys ?? [];
  assert(keys.length > 0, 'a table with keys');
  for (const { keyed, deletes, overlay, files } of parts) {
    const isPlain = deletes === undefined && overlay === undefined;
    const isOneKind = draft === null ? keyed?.draft === undefined : files.length === 0;
    assert(isPlain && isOneKind, 'rows of one kind');
  }
  const schema = writtenSchema(plan);
  const files = parts.flatMap(filesOf);
  const pinned = await services.resolve(files, plan.volumes, signal);
  try {
    const paths = new Map(files.map((file, index) => [file.key, pinned.paths[index] ?? '']));
    const store = await services.openStore(target.volume);
    const to = {
      target,
      schema,
      store,
      keys,
      update: draft?.rule ?? null,
      sortBy: loadOrder(schema),
    };
    const expected = files.reduce((sum, file) => sum + file.rowCount, 0);
    const { table } = await services.engine.withConnection((connection) =>
      appendKeyed(
        to,
        transactionId,
        services,
        connection,
        rowsSql(plan, schema, keys, paths),
        (rowCount) => assert(rowCount === expected, `${expected} staged rows are ${rowCount}`),
        { signal, timeoutMs },
      ),
    );
    failpoint('merge.after-write');
    const before = parts.reduce((sum, { keyed }) => sum + (keyed?.replacedRows ?? 0), 0);
    const merged = table ?? { tableId: target.tableId, files: [] };
    const keyed = table?.keyed ?? { deletes: null, replacedRows: 0 };
    return { ...merged, keyed: { ...keyed, replacedRows: keyed.replacedRows + before } };
  } finally {
    pinned.release();
  }
}

/** The columns that the parts give. */
function writtenSchema({ schema, draft }: MergePlan): TableSchema {
  if (draft === null) return schema;
  return { ...schema, columns: schema.columns.filter(({ name }) => draft.given.includes(name)) };
}

function writtenFiles({ files, keyed }: StagedTable): readonly StagedFile[] {
  return keyed?.draft === undefined ? files : [keyed.draft.file];
}

function deletedFiles({ keyed }: StagedTable): readonly StagedFile[] {
  return keyed?.deletes == null ? [] : [keyed.deletes];
}

function filesOf(part: StagedTable): readonly StagedFile[] {
  return [...writtenFiles(part), ...deletedFiles(part)];
}

/** The rows as the sink of tables with keys wants them. */
function rowsSql(
  { target, parts, draft }: MergePlan,
  schema: TableSchema,
  keys: readonly string[],
  paths: ReadonlyMap<string, string>,
): string {
  // Drafts have their place when they are resolved.
  const routing = draft === null ? target.routing : undefined;
  const routes = routing === undefined ? [] : routeSqls(routing);
  const list = [
    storeSelectList(schema),
    ...routes.map((sql, index) => `${sql} AS ${routeColumn(index)}`),
    OPERATION,
  ].join(', ');
  const select = (rows: string, first: number): string =>
    `SELECT ${list}, ${first} + row_number() OVER () AS __ordinal FROM (${rows}) ${PART}`;
  const pathsOf = (files: readonly StagedFile[]): readonly string[] =>
    files.map(({ key }) => paths.get(key) ?? '');
  return parts
    .flatMap((part, index) => {
      const first = index * PART_ORDINALS;
      const [deleted, written] = [deletedFiles(part), writtenFiles(part)];
      // A row of a draft came after the delete of its key, where there is one.
      return [
        ...(deleted.length === 0
          ? []
          : [select(deletedSql(schema, keys, pathsOf(deleted)), first)]),
        ...(written.length === 0
          ? []
          : [select(writtenSql(schema, pathsOf(written)), first + PART_ORDINALS / 2)]),
      ];
    })
    .join('\nUNION ALL\n');
}

const PART = '__part';

function writtenSql(schema: TableSchema, paths: readonly string[]): string {
  return `SELECT ${readSelectList(schema)}, 0 AS ${OPERATION} FROM ${readParquetSql(schema, paths)}`;
}

/** Rows that delete have their key and nothing else. */
function deletedSql(
  schema: TableSchema,
  keys: readonly string[],
  paths: readonly string[],
): string {
  const own = keySchema(schema, keys);
  const columns = schema.columns.map(({ name, type }) =>
    keys.includes(name)
      ? quoteIdentifier(name)
      : `CAST(NULL AS ${duckdbType(type)}) AS ${quoteIdentifier(name)}`,
  );
  return `SELECT ${columns.join(', ')}, 1 AS ${OPERATION} FROM (SELECT ${readSelectList(own)} FROM ${readParquetSql(own, paths)})`;
}
