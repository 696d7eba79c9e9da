// Compaction on the CN: all rows once, old schemas brought up, clean-up, refusals.
import assert from 'node:assert/strict';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { AppError } from '../../../src/base/errors.ts';
import {
  asId,
  type DatabaseId,
  type DeleteFileId,
  type FieldId,
  type FileId,
  type TableId,
  type TransactionId,
  type VolumeId,
} from '../../../src/base/ids.ts';
import { seededRandom } from '../../../src/base/random.ts';
import type { Engine } from '../../../src/engine/duckdb.ts';
import { parquetCopyOptions, readParquetSql } from '../../../src/model/parquet-layout.ts';
import type { ColumnSchema, DataFile, TableInfo, VolumeSpec } from '../../../src/model/table.ts';
import { LocalStore } from '../../../src/storage/local-store.ts';
import type { ObjectStore } from '../../../src/storage/object-store.ts';
import type { CompactionOrder } from '../../../src/tables/compaction-inputs.ts';
import { runCompaction } from '../../../src/tables/compaction-run.ts';
import { withEngine } from '../../support/engine-fixture.ts';
import { listKeys } from '../../support/object-store-contract.ts';

const column = (fieldId: number, name: string, type: ColumnSchema['type']): ColumnSchema => ({
  fieldId: asId<FieldId>(fieldId),
  name,
  type,
  nullable: true,
  isKey: false,
  defaultValue: null,
  comment: '',
});
const table: TableInfo = {
  id: asId<TableId>(10),
  databaseId: asId<DatabaseId>(1),
  databaseName: 'd',
  name: 't',
  schema: {
    keysType: 'DUP_KEYS',
    columns: [
      column(1, 'id', { kind: 'BIGINT' }),
      column(2, 's', { kind: 'VARCHAR', length: 100 }),
      column(3, 'late', { kind: 'LARGEINT' }),
      {
        ...column(4, 'tags', { kind: 'ARRAY', element: { kind: 'LARGEINT' } }),
        nestedIds: [asId<FieldId>(5)],
      },
    ],
  },
  volumeId: asId<VolumeId>(1),
  prefix: 'd/t-10/data',
  comment: '',
  distributedBy: [],
  buckets: null,
  properties: {},
  createdMs: 0,
};
const volume: VolumeSpec = {
  id: asId<VolumeId>(1),
  name: 'v',
  type: 'LOCAL',
  location: 'file:///unused',
  params: {},
};

/** A store that hides its paths, as a remote one does. */
function remote(inner: ObjectStore): ObjectStore {
  return {
    put: (key, body) => inner.put(key, body),
    putFile: (key, path) => inner.putFile(key, path),
    putIfAbsent: (key, body) => inner.putIfAbsent(key, body),
    get: (key, range) => inner.get(key, range),
    getToFile: (key, path) => inner.getToFile(key, path),
    head: (key) => inner.head(key),
    delete: (keys) => inner.delete(keys),
    list: (prefix) => inner.list(prefix),
    localPath: () => null,
  };
}

interface Bench {
  readonly store: ObjectStore;
  readonly engine: Engine;
  readonly temporary: string;
  readonly inputs: readonly DataFile[];
}

async function withInputs(files: number, work: (bench: Bench) => Promise<void>): Promise<void> {
  await withEngine({ threads: 1 }, async (engine, directory) => {
    const root = join(directory, 'volume');
    const temporary = join(directory, 'temporary');
    await mkdir(join(root, table.prefix), { recursive: true });
    await mkdir(temporary);
    const store = new LocalStore({ root, where: root });
    const inputs: DataFile[] = [];
    // Written before the third column was added.
    const old = { ...table.schema, columns: table.schema.columns.slice(0, 2) };
    for (let i = 0; i < files; i += 1) {
      const key = `${table.prefix}/t${i + 1}/00000000-0000-4000-a000-00000000000${i}.parquet`;
      const path = join(temporary, 'in');
      await engine.withConnection((connection) =>
        connection.run(
          `COPY (SELECT ${i * 1000} + j AS id, 'row ' || j AS s FROM range(1000) t(j)) TO '${path}' (${parquetCopyOptions(old)})`,
        ),
      );
      await store.putFile(key, path);
      const sizeBytes = (await store.head(key))?.sizeBytes ?? 0;
      inputs.push({
        id: asId<FileId>(i + 1),
        transactionId: asId<TransactionId>(i + 1),
        volumeId: volume.id,
        key,
        sizeBytes,
        rowCount: 1000,
        deletes: [],
        deletedRows: 0,
        columnStats: {},
      });
    }
    await work({ store, engine, temporary, inputs });
  });
}

function orderOf(inputs: readonly DataFile[]): CompactionOrder {
  return { transactionId: asId<TransactionId>(77), table, volume, volumes: [volume], inputs };
}

for (const kind of ['local', 'remote'] as const)
  test(`merges all rows into one file, in order (${kind} volume)`, async () => {
    await withInputs(5, async ({ store, engine, temporary, inputs }) => {
      const services = {
        engine,
        stores: async () => (kind === 'local' ? store : remote(store)),
        tempDirectory: temporary,
        random: seededRandom(5),
      };
      const outputs = await runCompaction(orderOf(inputs), services, new AbortController().signal);
      const [output] = outputs;
      assert.ok(output !== undefined && outputs.length === 1);
      assert.match(output.key, /^d\/t-10\/data\/t77\/[0-9a-f-]{36}\.parquet$/);
      assert.equal(output.rowCount, 5000);
      assert.deepEqual(output.columnStats['id'], { min: '0', max: '4999', nullCount: 0 });
      assert.equal((await store.head(output.key))?.sizeBytes, output.sizeBytes);
      assert.deepEqual(await readdir(temporary), [], 'nothing temporary stays');
      assert.equal((await listKeys(store, '')).length, 6, 'inputs stay');
      const source = readParquetSql(table.schema, [store.localPath(output.key) ?? '']);
      const rows = await engine.withConnection((connection) =>
        connection.rows(`SELECT id, s, late, tags FROM ${source}`),
      );
      assert.deepEqual(
        rows,
        Array.from({ length: 5000 }, (_, i) => [BigInt(i), `row ${i % 1000}`, null, null]),
      );
    });
  });

test('a lost row, a missing input and an abort are refused and leave nothing', async () => {
  await withInputs(3, async ({ store, engine, temporary, inputs }) => {
    const services = {
      engine,
      stores: async () => store,
      tempDirectory: temporary,
      random: seededRandom(6),
    };
    const run = (order: CompactionOrder, signal = new AbortController().signal): Promise<unknown> =>
      runCompaction(order, services, signal);
    const code = (wanted: string) => (thrown: unknown) =>
      thrown instanceof AppError && thrown.code === wanted;
    const wrong = inputs.map((file) => ({ ...file, rowCount: 999 }));
    await assert.rejects(run(orderOf(wrong)), code('INTERNAL'));
    const gone = inputs.map((file) => ({
      ...file,
      key: file.key.replace('.parquet', 'x.parquet'),
    }));
    await assert.rejects(run(orderOf(gone)), code('DATA_FILE_UNREADABLE'));
    await assert.rejects(
      run(orderOf(inputs), AbortSignal.abort(new AppError('CANCELLED', {}))),
      code('CANCELLED'),
    );
    assert.deepEqual(await readdir(temporary), []);
    assert.equal((await listKeys(store, '')).length, 3);
  });
});

test('deleted rows are left out', async () => {
  await withInputs(2, async ({ store, engine, temporary, inputs }) => {
    const key = `${table.prefix}/t9/00000000-0000-4000-a000-000000000009-deletes.parquet`;
    const path = join(temporary, 'deletes');
    const name = (file: DataFile | undefined): string => `file:///unused/${file?.key}`;
    await engine.withConnection((connection) =>
      connection.run(
        `COPY (SELECT * FROM (VALUES ('${name(inputs[0])}', 0), ('${name(inputs[0])}', 999), ('${name(inputs[1])}', 5)) t(file_path, pos)) TO '${path}' (FORMAT parquet)`,
      ),
    );
    await store.putFile(key, path);
    const deletes: DataFile['deletes'] = [
      { id: asId<DeleteFileId>(9), volumeId: volume.id, key, sizeBytes: 1, rowCount: 3 },
    ];
    const deleted = inputs.map((file, i) => ({ ...file, deletes, deletedRows: 2 - i }));
    const services = {
      engine,
      stores: async () => remote(store),
      tempDirectory: temporary,
      random: seededRandom(7),
    };
    const order = orderOf(deleted);
    const [output] = await runCompaction(order, services, new AbortController().signal);
    assert.equal(output?.rowCount, 1997);
    const source = readParquetSql(table.schema, [store.localPath(output.key) ?? '']);
    const rows = await engine.withConnection((connection) =>
      connection.rows(`SELECT id FROM ${source}`),
    );
    const gone = new Set([0, 999, 1005]);
    const left = Array.from({ length: 2000 }, (_, i) => i).filter((i) => !gone.has(i));
    assert.deepEqual(
      rows.map(([id]) => Number(id)),
      left,
    );
  });
});

test('with bloom_filter_columns merged files have bloom filters that leave row groups out, without it none for unique values', async () => {
  await withInputs(3, async ({ store, engine, temporary, inputs }) => {
    const stores = async (): Promise<ObjectStore> => store;
    const services = { engine, stores, tempDirectory: temporary, random: seededRandom(9) };
    const filtersOf = async (properties: TableInfo['properties']): Promise<readonly unknown[]> => {
      const order = { ...orderOf(inputs), table: { ...table, properties } };
      const [output] = await runCompaction(order, services, new AbortController().signal);
      const path = store.localPath(output?.key ?? '') ?? '';
      return await engine.withConnection(async (connection) => {
        const [row] = await connection.rows(
          `SELECT count(bloom_filter_offset) FROM parquet_metadata('${path}') WHERE path_in_schema = 'id'`,
        );
        const probes = await connection.rows(
          `SELECT bloom_filter_excludes FROM parquet_bloom_probe('${path}', 'id', 1000000)`,
        );
        return [Number(row?.[0]), ...probes.map(([excludes]) => excludes)];
      });
    };
    assert.deepEqual(await filtersOf({}), [0, false]);
    assert.deepEqual(await filtersOf({ bloom_filter_columns: 's', bloom_filter_fpp: '0.01' }), [
      1,
      true,
    ]);
    assert.deepEqual(await filtersOf({ bloom_filter_columns: '' }), [0, false]);
  });
});
