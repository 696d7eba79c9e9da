// A statement that fails over a file says which: missing, cut, with another end, or damaged inside. What is no
// file's fault stays what it was.
import assert from 'node:assert/strict';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { AppError, fail } from '../../../src/base/errors.ts';
import {
  asId,
  type DeleteFileId,
  type FieldId,
  type FileId,
  type VolumeId,
} from '../../../src/base/ids.ts';
import type { Engine } from '../../../src/engine/duckdb.ts';
import { type FileResolver, withSources } from '../../../src/engine/plan-sources.ts';
import { quoteLiteral } from '../../../src/model/duckdb-text.ts';
import { overlaySchema } from '../../../src/model/overlay.ts';
import { parquetCopyOptions } from '../../../src/model/parquet-layout.ts';
import type { QueryScan } from '../../../src/model/query-plan.ts';
import type { ColumnSchema, DataFile, TableSchema, VolumeSpec } from '../../../src/model/table.ts';
import { readerOf, withEngine } from '../../support/engine-fixture.ts';

const column = (id: number, name: string, type: ColumnSchema['type']): ColumnSchema => ({
  fieldId: asId<FieldId>(id),
  name,
  type,
  nullable: true,
  isKey: false,
  defaultValue: null,
  comment: '',
});
const SCHEMA: TableSchema = {
  keysType: 'DUP_KEYS',
  columns: [
    column(1, 'id', { kind: 'BIGINT' }),
    column(2, 'long', { kind: 'VARCHAR', length: 900 }),
  ],
};
const VOLUME: VolumeSpec = {
  id: asId<VolumeId>(5),
  name: 'v',
  type: 'LOCAL',
  location: 'file:///data/v',
  params: {},
};

async function fileAt(engine: Engine, directory: string, number: number): Promise<DataFile> {
  const key = `t${number}.parquet`;
  const path = join(directory, key);
  const rows = `SELECT i AS id, repeat('x', 300) || hash(i) AS long FROM range(20000) t(i)`;
  await engine.withConnection((connection) =>
    connection.rows(`COPY (${rows}) TO ${quoteLiteral(path)} (${parquetCopyOptions(SCHEMA)})`),
  );
  return {
    id: asId<FileId>(number),
    transactionId: asId(number),
    volumeId: VOLUME.id,
    key,
    sizeBytes: (await stat(path)).size,
    rowCount: 20000,
    columnStats: {},
    deletes: [],
    deletedRows: 0,
  };
}

async function read(
  engine: Engine,
  files: readonly DataFile[],
  resolve: FileResolver,
  select: string,
  columns: readonly string[] = ['id', 'long'],
): Promise<unknown> {
  const scan: QueryScan = {
    placeholder: '__scan0',
    tableName: 'shop.orders',
    schema: SCHEMA,
    columns,
    files,
  };
  const sources = { scans: [scan], inlineTables: [], volumes: [VOLUME] };
  return await engine.withConnection(async (connection) => {
    const rows = await withSources(
      readerOf(resolve),
      connection,
      sources,
      new AbortController().signal,
      (withClause) => connection.rows(`${withClause}SELECT ${select} FROM __scan0`),
    );
    return rows[0]?.[0];
  });
}

const unreadable =
  (detail: RegExp) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof AppError);
    assert.equal(error.code, 'DATA_FILE_UNREADABLE', error.message);
    assert.match(error.message, /^a file of shop\.orders cannot be read: /);
    assert.match(error.message, detail);
    assert.match(error.message, /\(file:\/\/\/data\/v\/t2\.parquet\)$/);
    return true;
  };

test('the file that is missing, cut or damaged is named', async () => {
  await withEngine({}, async (engine, directory) => {
    const files = [1, 2, 3].map((number) => fileAt(engine, directory, number));
    const all = await Promise.all(files);
    const resolve: FileResolver = async (wanted) => ({
      paths: wanted.map(({ key }) => join(directory, key)),
      release: () => undefined,
    });
    assert.equal(await read(engine, all, resolve, 'count(*)'), 60000n);
    const path = join(directory, 't2.parquet');
    const whole = await readFile(path);
    const damaged = Buffer.from(whole);
    damaged.fill(0x5a, whole.length >> 1, (whole.length >> 1) + 4000);
    const cases: [string, Buffer | null, RegExp][] = [
      ['count(*)', null, /it is missing/],
      ['count(*)', whole.subarray(0, whole.length - 10), /it has \d+ bytes, \d+ were written/],
      ['count(*)', Buffer.alloc(0), /it has 0 bytes/],
      ['count(*)', Buffer.alloc(whole.length, 'x'), /it is no Parquet file/],
      ['max(long)', damaged, /it is damaged: /],
    ];
    for (const [select, bytes, detail] of cases) {
      if (bytes === null) await rm(path);
      else await writeFile(path, bytes);
      await assert.rejects(read(engine, all, resolve, select), unreadable(detail));
      // Whatever reads the other files goes on.
      const [first, , third] = all;
      assert.ok(first !== undefined && third !== undefined);
      assert.equal(await read(engine, [first, third], resolve, 'count(long)'), 40000n);
    }
  });
});

test('an object that the store has not is named; errors of other kinds stay what they are', async () => {
  await withEngine({}, async (engine, directory) => {
    const file = await fileAt(engine, directory, 2);
    const gone: FileResolver = async () => {
      throw fail('OBJECT_NOT_FOUND', { key: 't2.parquet', where: 's3://b' });
    };
    await assert.rejects(read(engine, [file], gone, '1'), unreadable(/it is missing/));
    const away: FileResolver = async () => {
      throw fail('STORAGE_UNAVAILABLE', { where: 's3://b', step: 'read', detail: 'no answer' });
    };
    await assert.rejects(read(engine, [file], away, '1'), /storage s3:\/\/b did not answer/);
    const resolve: FileResolver = async () => ({
      paths: [join(directory, 't2.parquet')],
      release: () => undefined,
    });
    await assert.rejects(
      read(engine, [file], resolve, 'CAST(long AS INTEGER)'),
      (error: unknown) => error instanceof AppError && error.code === 'ENGINE_VALUE',
    );
  });
});

test('an overlay that is missing, cut or damaged is named, by those alone who read its columns', async () => {
  await withEngine({}, async (engine, directory) => {
    const schema = overlaySchema(SCHEMA.columns.slice(1));
    const path = join(directory, 't2.parquet');
    const rows = `SELECT 0 AS __part, i AS __row, repeat('y', 300) || hash(i) AS long FROM range(19000) t(i)`;
    await engine.withConnection((connection) =>
      connection.rows(`COPY (${rows}) TO ${quoteLiteral(path)} (${parquetCopyOptions(schema)})`),
    );
    const object = {
      id: asId<DeleteFileId>(2),
      volumeId: VOLUME.id,
      key: 't2.parquet',
      sizeBytes: (await stat(path)).size,
      rowCount: 19000,
      fieldIds: [asId<FieldId>(2)],
    };
    const plain = await fileAt(engine, directory, 1);
    const file: DataFile = { ...plain, overlays: [{ object, part: 0, rows: 19000 }] };
    const resolve: FileResolver = async (wanted) => ({
      paths: wanted.map(({ key }) => join(directory, key)),
      release: () => undefined,
    });
    assert.equal(await read(engine, [file], resolve, "count_if(long[1] = 'y')"), 19000n);
    const whole = await readFile(path);
    const damaged = Buffer.from(whole);
    damaged.fill(0x5a, whole.length >> 1, (whole.length >> 1) + 4000);
    const cases: [Buffer | null, RegExp][] = [
      [null, /it is missing/],
      [whole.subarray(0, whole.length - 10), /it has \d+ bytes, \d+ were written/],
      [damaged, /it is damaged: /],
    ];
    for (const [bytes, detail] of cases) {
      if (bytes === null) await rm(path);
      else await writeFile(path, bytes);
      await assert.rejects(read(engine, [file], resolve, 'max(long)'), unreadable(detail));
      assert.equal(await read(engine, [file], resolve, 'count(id)', ['id']), 20000n);
    }
  });
});
