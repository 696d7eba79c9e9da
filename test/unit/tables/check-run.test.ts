// Reading files again finds every way in which the metadata can be wrong about them, and nothing where it is right.
import assert from 'node:assert/strict';
import { mkdir, readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { present } from '../../../src/base/assert.ts';
import {
  asId,
  type DeleteFileId,
  type FieldId,
  type FileId,
  type TransactionId,
  type VolumeId,
} from '../../../src/base/ids.ts';
import { seededRandom } from '../../../src/base/random.ts';
import type { Engine } from '../../../src/engine/duckdb.ts';
import { quoteLiteral } from '../../../src/model/duckdb-text.ts';
import { overlaySchema } from '../../../src/model/overlay.ts';
import {
  dataFilePath,
  deleteCopyOptions,
  parquetCopyOptions,
  stagedFileFromStats,
  storeSelectList,
} from '../../../src/model/parquet-layout.ts';
import type { SqlType } from '../../../src/model/sql-type.ts';
import type { ColumnSchema, DataFile, TableSchema, VolumeSpec } from '../../../src/model/table.ts';
import { LocalStore } from '../../../src/storage/local-store.ts';
import type { ObjectStore } from '../../../src/storage/object-store.ts';
import { checkFiles, type FileFault } from '../../../src/tables/check-run.ts';
import { withEngine } from '../../support/engine-fixture.ts';

/** A value of each kind of column, with NULLs and extremes. */
const COLUMNS: readonly (readonly [name: string, type: SqlType, sql: string])[] = [
  ['k', { kind: 'BIGINT' }, 'i'],
  ['small', { kind: 'TINYINT' }, '(i % 200 - 100)::TINYINT'],
  ['yes', { kind: 'BOOLEAN' }, 'CASE WHEN i % 3 = 0 THEN NULL ELSE i % 2 = 0 END'],
  ['large', { kind: 'LARGEINT' }, '(i - 50)::HUGEINT * 100000000000000000000'],
  ['f', { kind: 'DOUBLE' }, "CASE i WHEN 5 THEN 'inf'::DOUBLE WHEN 6 THEN NULL ELSE i / 7 END"],
  ['nan', { kind: 'DOUBLE' }, "CASE i WHEN 5 THEN 'nan'::DOUBLE ELSE i END"],
  ['n', { kind: 'DECIMAL', precision: 20, scale: 4 }, '(i / 7)::DECIMAL(20, 4)'],
  ['s', { kind: 'VARCHAR', length: 900 }, "repeat('ü', 20) || i"],
  ['day', { kind: 'DATE' }, "DATE '0001-01-01' + i::INTEGER"],
  ['at', { kind: 'DATETIME' }, "TIMESTAMP '2024-01-01 00:00:00.123456' + to_seconds(i)"],
  ['none', { kind: 'INT' }, 'NULL::INTEGER'],
  ['list', { kind: 'ARRAY', element: { kind: 'INT' } }, '[i::INTEGER, NULL]'],
  ['j', { kind: 'JSON' }, "json_object('i', i)"],
];

const SCHEMA: TableSchema = {
  keysType: 'DUP_KEYS',
  columns: COLUMNS.map(
    ([name, type], index): ColumnSchema => ({
      fieldId: asId<FieldId>(index + 1),
      ...(type.kind === 'ARRAY' ? { nestedIds: [asId<FieldId>(100)] } : {}),
      name,
      type,
      nullable: true,
      isKey: false,
      defaultValue: null,
      comment: '',
    }),
  ),
};

const VOLUME: VolumeSpec = {
  id: asId<VolumeId>(1),
  name: 'v',
  type: 'LOCAL',
  location: 'file:///unused',
  params: {},
};

interface Setting {
  readonly engine: Engine;
  readonly file: DataFile;
  check(file: DataFile): Promise<readonly FileFault[]>;
  readonly store: ObjectStore;
  readonly temp: string;
}

async function withFile(work: (setting: Setting) => Promise<void>): Promise<void> {
  await withEngine({}, async (engine, directory) => {
    const [root, temp] = [join(directory, 'volume'), join(directory, 'temp')];
    for (const path of [root, temp]) await mkdir(path);
    const store = new LocalStore({ root, where: root });
    const file = await write(engine, store);
    await work({
      engine,
      file,
      store,
      temp,
      check: (wanted) =>
        checkFiles(
          { schema: SCHEMA, volumes: [VOLUME], files: [wanted] },
          { engine, stores: async () => store, tempDirectory: temp, random: seededRandom(1) },
          new AbortController().signal,
        ),
    });
  });
}

async function write(engine: Engine, store: ObjectStore): Promise<DataFile> {
  const key = 'd/t/t1/00000000-0000-4000-8000-000000000001.parquet';
  const path = present(store.localPath(key), 'a local store');
  await mkdir(dirname(path), { recursive: true });
  const list = COLUMNS.map(([name, , sql]) => `${sql} AS ${name}`).join(', ');
  const source = `SELECT ${list} FROM range(1000) t(i)`;
  return await engine.withConnection(async (connection) => {
    const [stats] = await connection.objects(
      `COPY (SELECT ${storeSelectList(SCHEMA)} FROM (${source})) TO ${quoteLiteral(path)} (${parquetCopyOptions(SCHEMA)})`,
    );
    const target = { volumeId: VOLUME.id, key, schema: SCHEMA };
    const staged = stagedFileFromStats(present(stats, 'statistics'), target);
    const deletes = `${key.slice(0, -'.parquet'.length)}-deletes.parquet`;
    const deletesPath = present(store.localPath(deletes), 'a local store');
    await connection.rows(
      `COPY (SELECT ${quoteLiteral(dataFilePath(VOLUME.location, key))} AS file_path, i AS pos FROM range(10, 30) t(i)) TO ${quoteLiteral(deletesPath)} (${deleteCopyOptions()})`,
    );
    const object = {
      id: asId<DeleteFileId>(9),
      volumeId: VOLUME.id,
      key: deletes,
      sizeBytes: (await stat(deletesPath)).size,
      rowCount: 20,
    };
    const [id, transactionId] = [asId<FileId>(1), asId<TransactionId>(1)];
    return { ...staged, id, transactionId, deletes: [object], deletedRows: 20 };
  });
}

test('a file that is what the metadata says has no fault', async () => {
  await withFile(async ({ file, check, temp }) => {
    assert.equal(file.rowCount, 1000);
    assert.deepEqual(await check(file), []);
    assert.deepEqual(await readdir(temp), []);
  });
});

test('wrong counts, bounds, NULLs, deletes and sizes are each found', async () => {
  await withFile(async ({ file, check }) => {
    const withStats = (name: string, change: object): DataFile => {
      const stats = present(file.columnStats[name], name);
      return { ...file, columnStats: { ...file.columnStats, [name]: { ...stats, ...change } } };
    };
    const cases: [DataFile, RegExp][] = [
      [{ ...file, rowCount: 1001 }, /it holds 1000 rows, the metadata says 1001/],
      [withStats('yes', { nullCount: 3 }), /column yes has 334 NULLs, the metadata says 3/],
      [withStats('k', { min: '7' }), /7 values of column k are not between 7 and 999/],
      [withStats('s', { max: 'a' }), /1000 values of column s are not between .* and a/],
      [withStats('at', { max: '2024-01-01 00:00:01' }), /999 values of column at/],
      [withStats('n', { min: '0.2000' }), /2 values of column n/],
      [{ ...file, deletedRows: 21 }, /20 rows of .* are deleted by its delete objects, 21 by/],
      [{ ...file, sizeBytes: 12 }, /it has \d+ bytes, 12 were written/],
      [{ ...file, key: 'd/t/t1/gone.parquet' }, /it is missing/],
    ];
    for (const [wrong, expected] of cases) {
      const faults = await check(wrong);
      assert.equal(faults.length, 1, `${expected}: ${JSON.stringify(faults)}`);
      assert.match(String(faults[0]?.detail), expected);
      assert.equal(faults[0]?.key, wrong.key);
    }
  });
});

test('an overlay that is not what the metadata says is found', async () => {
  await withFile(async ({ file, check, engine, store }) => {
    const columns = SCHEMA.columns.filter(({ name }) => name === 's');
    const schema = overlaySchema(columns);
    const key = 'd/t/t2/00000000-0000-4000-8000-000000000002-overlay.parquet';
    const path = present(store.localPath(key), 'a local store');
    await mkdir(dirname(path), { recursive: true });
    const rows = `SELECT 3 AS __part, i AS __row, 'new' AS s FROM range(0, 40, 2) t(i) UNION ALL SELECT 4, 1000, NULL UNION ALL SELECT 5, 7, 'x' FROM range(2)`;
    await engine.withConnection((connection) =>
      connection.run(
        `COPY (SELECT ${storeSelectList(schema)} FROM (${rows})) TO ${quoteLiteral(path)} (${parquetCopyOptions(schema)})`,
      ),
    );
    const { size: sizeBytes } = await stat(path);
    const fieldIds = columns.map(({ fieldId }) => fieldId);
    const object = {
      id: asId<DeleteFileId>(10),
      volumeId: VOLUME.id,
      key,
      sizeBytes,
      rowCount: 23,
      fieldIds,
    };
    const over = (part: number, count: number, change: object = {}): DataFile => ({
      ...file,
      overlays: [{ object: { ...object, ...change }, part, rows: count }],
    });
    assert.deepEqual(await check(over(3, 20)), []);
    const cases: [DataFile, RegExp][] = [
      [over(3, 21), /its overlay .*: it holds 20 rows of the file, the metadata says 21/],
      [over(4, 1), /1 of its rows are not in the file/],
      [over(5, 2), /it holds a row twice/],
      [over(3, 20, { sizeBytes: 12 }), /its overlay .*: it has \d+ bytes, 12 were written/],
      [over(3, 20, { key: 'd/t/t2/gone-overlay.parquet' }), /its overlay .*: it is missing/],
    ];
    for (const [wrong, expected] of cases) {
      const faults = await check(wrong);
      assert.equal(faults.length, 1, `${expected}: ${JSON.stringify(faults)}`);
      assert.match(String(faults[0]?.detail), expected);
      assert.equal(faults[0]?.key, file.key);
    }
  });
});
