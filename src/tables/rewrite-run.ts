// ALTER TABLE that writes values anew, on the CN: each file becomes one with the same rows in the same places and the
// new columns, so that positions of deleted rows stay what they were. Nothing becomes visible here, no file is touched.
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { present } from '../base/assert.ts';
import { fail } from '../base/errors.ts';
import { failpoint } from '../base/failpoints.ts';
import type { TransactionId } from '../base/ids.ts';
import type { Connection } from '../engine/connection.ts';
import { deletePositionsSql } from '../engine/delete-bitmaps.ts';
import { withSources } from '../engine/plan-sources.ts';
import { bloomFilterOptions } from '../model/bloom-filter.ts';
import type { ColumnRewrite } from '../model/column-rewrite.ts';
import { quoteIdentifier, quoteLiteral } from '../model/duckdb-text.ts';
import { dataFileKey, deleteFileKey } from '../model/file-key.ts';
import {
  dataFilePath,
  deleteCopyOptions,
  parquetCopyOptions,
  readParquetSql,
  readSelectList,
  stagedFileFromStats,
  storeExpression,
} from '../model/parquet-layout.ts';
import { duckdbType, printSqlType } from '../model/sql-type.ts';
import {
  type ColumnSchema,
  type DataFile,
  overlaidRows,
  type StagedFile,
  type StagedObject,
  type TableInfo,
  type TableSchema,
  type VolumeSpec,
} from '../model/table.ts';
import { type CompactionServices, readerOf } from './compaction-inputs.ts';

/** Files of a table to be written with other columns. */
export interface RewriteOrder {
  readonly transactionId: TransactionId;
  /** As it is. */
  readonly table: TableInfo;
  readonly after: TableSchema;
  readonly rewrites: readonly ColumnRewrite[];
  /** Where the outputs go. */
  readonly volume: VolumeSpec;
  /** Volumes of the files and of their deletes. */
  readonly volumes: readonly VolumeSpec[];
  readonly inputs: readonly DataFile[];
}

/** Files as they are by now with what they became, to carry over what is deleted of them. */
export interface RewriteDeletesOrder extends Omit<RewriteOrder, 'after' | 'rewrites'> {
  readonly outputs: readonly StagedFile[];
}

export interface CarriedDeletes {
  readonly object: StagedObject;
  /** Positions of each output in it, in order; 0 = none. */
  readonly positions: readonly number[];
}

/**
 * One output for each input, in order. Throws ALTER_VALUE where a value of a row that is not deleted has no place in
 * the new column, engine and storage errors. What a crash leaves in the volume carries the transaction's id in its key.
 */
export async function runRewrite(
  order: RewriteOrder,
  services: CompactionServices,
  signal: AbortSignal,
): Promise<readonly StagedFile[]> {
  const outputs: StagedFile[] = [];
  for (const file of order.inputs) outputs.push(await rewriteFile(order, file, services, signal));
  return outputs;
}

async function rewriteFile(
  order: RewriteOrder,
  file: DataFile,
  services: CompactionServices,
  signal: AbortSignal,
): Promise<StagedFile> {
  const { table, transactionId, volume } = order;
  const uuid = services.random.uuid();
  const key = dataFileKey(table.prefix, transactionId, uuid);
  const output = join(services.tempDirectory, `rewrite-${uuid}.parquet`);
  const copies = [output];
  const written = writtenSchema(order);
  try {
    const reader = readerOf(order, services, copies, signal);
    const stats = await services.engine.withConnection(async (connection) => {
      await checkValues(order, file, { reader, connection, signal });
      const options = parquetCopyOptions(written, table.properties['compression']);
      return await withRows(
        order,
        file,
        { reader, connection, signal },
        async (withClause, rows) => {
          const [found] = await connection.objects(
            `COPY (${withClause}${rowsSql(order, written, rows)}) TO ${quoteLiteral(output)} (${options}${bloomFilterOptions(table.properties)})`,
            { signal },
          );
          return present(found, 'statistics of the COPY');
        },
      );
    });
    const staged = stagedFileFromStats(stats, { volumeId: volume.id, key, schema: written });
    if (staged.rowCount !== file.rowCount) {
      const detail = `a file of ${file.rowCount} rows became one of ${staged.rowCount}`;
      throw fail('INTERNAL', { detail });
    }
    const { size } = await stat(output);
    if (size !== staged.sizeBytes) {
      throw fail('OBJECT_SIZE_MISMATCH', { key, actual: size, expected: staged.sizeBytes });
    }
    signal.throwIfAborted();
    failpoint('rewrite.before-put');
    await (await services.stores(volume)).putFile(key, output);
    failpoint('rewrite.after-put');
    return file.partition === undefined ? staged : { ...staged, partition: file.partition };
  } finally {
    for (const path of copies) await rm(path, { force: true });
  }
}

/** Columns that are neither old nor computed have one value for all rows, which readers put in. */
function writtenSchema({ table, after, rewrites }: RewriteOrder): TableSchema {
  const known = new Set([
    ...table.schema.columns.map(({ fieldId }) => fieldId),
    ...rewrites.map(({ fieldId }) => fieldId),
  ]);
  return { ...after, columns: after.columns.filter(({ fieldId }) => known.has(fieldId)) };
}

interface ReadOn {
  readonly reader: ReturnType<typeof readerOf>;
  readonly connection: Connection;
  readonly signal: AbortSignal;
}

/** Runs `work` with a SELECT of all rows of the file in their order, deleted ones too, with what lies over them. */
async function withRows<T>(
  { table, volumes }: RewriteOrder,
  file: DataFile,
  { reader, connection, signal }: ReadOn,
  work: (withClause: string, rows: string) => Promise<T>,
): Promise<T> {
  const { schema } = table;
  if (overlaidRows(file) === 0) {
    // One thread reads it, and nothing reorders the rows.
    const { paths, release } = await reader.resolve([file], volumes, signal);
    try {
      return await work(
        '',
        `SELECT ${readSelectList(schema)} FROM ${readParquetSql(schema, paths)}`,
      );
    } finally {
      release();
    }
  }
  const placeholder = '__overlaid';
  const columns = schema.columns.map(({ name }) => name);
  const scan = { placeholder, schema, columns, files: [file], positions: 'all' } as const;
  const sources = { scans: [scan], inlineTables: [], volumes };
  const list = columns.map(quoteIdentifier).join(', ');
  return await withSources(reader, connection, sources, signal, (withClause) =>
    work(withClause, `SELECT ${list} FROM ${placeholder} ORDER BY __row`),
  );
}

function rowsSql({ table, rewrites }: RewriteOrder, written: TableSchema, rows: string): string {
  const computed = new Map(rewrites.map((rewrite) => [rewrite.fieldId, rewrite.duckdbSql]));
  const before = new Map(table.schema.columns.map((column) => [column.fieldId, column]));
  const list = written.columns.map((column) => {
    const { fieldId, type, name } = column;
    const old = before.get(fieldId);
    const value = computed.get(fieldId) ?? oldValue(present(old, 'an old column'), column);
    return `${storeExpression(type, value)} AS ${quoteIdentifier(name)}`;
  });
  return `SELECT ${list.join(', ')} FROM (${rows}) AS __old`;
}

/** As it is, or in the wider type that it gets by the same change. */
function oldValue(old: ColumnSchema, { type }: ColumnSchema): string {
  const name = quoteIdentifier(old.name);
  return printSqlType(old.type) === printSqlType(type)
    ? name
    : `CAST(${name} AS ${duckdbType(type)})`;
}

/** Throws ALTER_VALUE with the first value that would be lost. */
async function checkValues(
  { table, after, rewrites, volumes }: RewriteOrder,
  file: DataFile,
  on: ReadOn,
): Promise<void> {
  for (const { fieldId, duckdbSql, from, lossSql } of rewrites) {
    const column = after.columns.find((one) => one.fieldId === fieldId);
    const old = table.schema.columns.find(({ name }) => name === from);
    if (old === undefined || column === undefined) continue;
    const columns = [old.name];
    const placeholder = '__checked';
    // As they lie: values of an AGGREGATE KEY table are converted before they are merged.
    const scan = {
      placeholder,
      schema: table.schema,
      columns,
      files: [file],
      unmerged: true,
    } as const;
    const sources = { scans: [scan], inlineTables: [], volumes };
    const name = quoteIdentifier(old.name);
    const loss = lossSql === null ? '' : ` OR ${lossSql}`;
    const rows = await withSources(on.reader, on.connection, sources, on.signal, (withClause) =>
      on.connection.rows(
        `${withClause}SELECT left(CAST(${name} AS VARCHAR), 100) FROM ${placeholder} WHERE ${name} IS NOT NULL AND ((${duckdbSql}) IS NULL${loss}) LIMIT 1`,
        { signal: on.signal },
      ),
    );
    const [lost] = rows;
    if (lost === undefined) continue;
    throw fail('ALTER_VALUE', {
      column: column.name,
      from: printSqlType(old.type),
      to: printSqlType(column.type),
      value: String(lost[0]),
    });
  }
}

/** Stages what is deleted of the inputs as position deletes of the outputs, in one object. Null when nothing is. */
export async function rewriteDeletes(
  order: RewriteDeletesOrder,
  services: CompactionServices,
  signal: AbortSignal,
): Promise<CarriedDeletes | null> {
  const { inputs, outputs, table, transactionId, volume } = order;
  const objects = [...new Set(inputs.flatMap((file) => file.deletes))];
  if (objects.length === 0) return null;
  const pairs = inputs.flatMap((file, data) =>
    file.deletes.map((object) => ({ object: objects.indexOf(object), file, data })),
  );
  const locations = new Map(order.volumes.map(({ id, location }) => [id, location]));
  const names = outputs
    .map(({ volumeId, key }, data) => {
      const location = present(locations.get(volumeId) ?? volume.location, 'a location');
      return { data, path: dataFilePath(location, key) };
    })
    .toSorted((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)))
    .map(({ data, path }, rank) => `(${data}, ${quoteLiteral(path)}, ${rank})`);
  const uuid = services.random.uuid();
  const path = join(services.tempDirectory, `rewrite-${uuid}-deletes.parquet`);
  const copies = [path];
  try {
    const reader = readerOf(order, services, copies, signal);
    const pinned = await reader.resolve(objects, order.volumes, signal);
    try {
      return await services.engine.withConnection(async (connection) => {
        const positions = `SELECT DISTINCT data, pos FROM (${deletePositionsSql(pinned.paths, pairs)})`;
        const counts = await connection.rows(
          `SELECT data, count(*) FROM (${positions}) GROUP BY data`,
          { signal },
        );
        const byFile = new Map(counts.map(([data, count]) => [Number(data), Number(count)]));
        const [found] = await connection.objects(
          `COPY (SELECT n.path AS file_path, d.pos FROM (${positions}) d JOIN (VALUES ${names.join(', ')}) n(data, path, rank) ON d.data = n.data ORDER BY n.rank, d.pos) TO ${quoteLiteral(path)} (${deleteCopyOptions()})`,
          { signal },
        );
        const stats = present(found, 'statistics of the COPY');
        checkDeletes(inputs, byFile);
        const key = deleteFileKey(table.prefix, transactionId, uuid);
        failpoint('rewrite.before-deletes');
        await (await services.stores(volume)).putFile(key, path);
        const [sizeBytes, rowCount] = [Number(stats['file_size_bytes']), Number(stats['count'])];
        return {
          object: { volumeId: volume.id, key, sizeBytes, rowCount },
          positions: inputs.map((_, data) => byFile.get(data) ?? 0),
        };
      });
    } finally {
      pinned.release();
    }
  } finally {
    for (const copy of copies) await rm(copy, { force: true });
  }
}

function checkDeletes(inputs: readonly DataFile[], byFile: ReadonlyMap<number, number>): void {
  for (const [index, { key, deletedRows }] of inputs.entries()) {
    const found = byFile.get(index) ?? 0;
    if (found === deletedRows) continue;
    const detail = `${found} rows of ${key} are deleted by its delete objects, ${deletedRows} by the metadata`;
    throw fail('INTERNAL', { detail });
  }
}
