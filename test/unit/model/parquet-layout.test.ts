// The stored form of tables: field ids in the files, statistics, LARGEINT without loss, names that need quotes.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { asId, type FieldId, type VolumeId } from '../../../src/base/ids.ts';
import { nextFieldId, numberColumns } from '../../../src/model/field-ids.ts';
import {
  parquetCopyOptions,
  readParquetSql,
  readSelectList,
  stagedFileFromStats,
  storedDuckdbType,
  storeSelectList,
} from '../../../src/model/parquet-layout.ts';
import type { SqlType } from '../../../src/model/sql-type.ts';
import type { ColumnSchema, TableSchema } from '../../../src/model/table.ts';
import { withEngine } from '../../support/engine-fixture.ts';

const column = (fieldId: number, name: string, type: SqlType): ColumnSchema => ({
  fieldId: asId<FieldId>(fieldId),
  name,
  type,
  nullable: true,
  isKey: false,
  defaultValue: null,
  comment: '',
});
const schema: TableSchema = {
  keysType: 'DUP_KEYS',
  columns: [
    column(11, 'id', { kind: 'BIGINT' }),
    column(12, `odd "name's`, { kind: 'VARCHAR', length: 20 }),
    column(13, 'big', { kind: 'LARGEINT' }),
    column(14, 'bigs', { kind: 'ARRAY', element: { kind: 'LARGEINT' } }),
    column(15, 'value', { kind: 'DOUBLE' }),
    column(16, 'none', { kind: 'DATE' }),
  ],
};
const BIG = '170141183460469231731687303715884105727';

test('LARGEINT is stored as text, nested ones too', () => {
  assert.equal(storedDuckdbType({ kind: 'LARGEINT' }), 'VARCHAR');
  assert.equal(storedDuckdbType({ kind: 'ARRAY', element: { kind: 'LARGEINT' } }), 'VARCHAR[]');
  assert.equal(storedDuckdbType({ kind: 'BIGINT' }), 'BIGINT');
});

test('a file carries field ids and gives its statistics, and reads back equal', async () => {
  await withEngine({}, async (engine, directory) => {
    const path = join(directory, "it's.parquet");
    const quotedPath = `'${path.replaceAll("'", "''")}'`;
    const rows = `SELECT i AS id, CASE WHEN i = 2 THEN NULL ELSE 'ü' || i END AS "odd ""name's", ${BIG}::HUGEINT - i AS big, [${BIG}::HUGEINT, NULL] AS bigs,
      CASE WHEN i = 1 THEN 'nan'::DOUBLE ELSE i END AS value, NULL::DATE AS none FROM range(10) t(i)`;
    const connection = await engine.connect();
    const [stats] = await connection.objects(
      `COPY (SELECT ${storeSelectList(schema)} FROM (${rows})) TO ${quotedPath} (${parquetCopyOptions(schema)})`,
    );
    assert.ok(stats !== undefined);
    const staged = stagedFileFromStats(stats, {
      volumeId: asId<VolumeId>(3),
      key: 'p/t1/u.parquet',
      schema,
    });
    assert.deepEqual(
      { ...staged, sizeBytes: 0 },
      {
        volumeId: 3,
        key: 'p/t1/u.parquet',
        sizeBytes: 0,
        rowCount: 10,
        columnStats: {
          id: { min: '0', max: '9', nullCount: 0 },
          [`odd "name's`]: { min: 'ü0', max: 'ü9', nullCount: 1 },
          big: { min: null, max: null, nullCount: 0 },
          value: { min: null, max: null, nullCount: 0 },
          none: { min: null, max: null, nullCount: 10 },
        },
      },
    );
    const ids = await connection.rows(
      `SELECT name, field_id FROM parquet_schema(${quotedPath}) WHERE field_id IS NOT NULL`,
    );
    assert.deepEqual(
      ids.map(([name, id]) => [name, Number(id)]),
      schema.columns.map(({ name, fieldId }) => [name, Number(fieldId)]),
    );
    const encodings = await connection.rows(
      `SELECT DISTINCT compression FROM parquet_metadata(${quotedPath})`,
    );
    assert.deepEqual(encodings, [['ZSTD']]);
    const same = await connection.rows(
      `SELECT count(*) FROM (SELECT ${readSelectList(schema)} FROM ${readParquetSql(schema, [path])} EXCEPT ${rows})`,
    );
    assert.deepEqual(same, [[0n]]);
    // Without the count the planner takes a file for 1000 rows, and joins in an order that is 50 times slower.
    const [[, plan] = []] = await connection.rows(
      `EXPLAIN SELECT * FROM ${readParquetSql(schema, [path], 123_456)}`,
    );
    assert.match(String(plan), /~123,456 rows/);
  });
});

const POINT: SqlType = {
  kind: 'STRUCT',
  fields: [
    { name: 'x', type: { kind: 'LARGEINT' } },
    { name: 'odd "HUGEINT', type: { kind: 'ARRAY', element: { kind: 'LARGEINT' } } },
  ],
};
const NESTED: readonly (readonly [string, SqlType])[] = [
  ['id', { kind: 'BIGINT' }],
  ['a', { kind: 'ARRAY', element: { kind: 'ARRAY', element: { kind: 'INT' } } }],
  ['m', { kind: 'MAP', key: { kind: 'LARGEINT' }, value: POINT }],
  ['s', { kind: 'STRUCT', fields: [{ name: 'p', type: POINT }] }],
  ['b', { kind: 'BITMAP' }],
];

test('what is inside nested columns has field ids of its own, behind those of the columns', async () => {
  const columns = numberColumns(
    NESTED.map(([name, type]) => ({
      name,
      type,
      nullable: true,
      isKey: false,
      defaultValue: null,
      comment: '',
    })),
  );
  assert.equal(nextFieldId(columns), 17);
  const nested: TableSchema = { keysType: 'DUP_KEYS', columns };
  await withEngine({}, async (engine, directory) => {
    const path = join(directory, 'nested.parquet');
    const point = `{'x': ${BIG}::HUGEINT, 'odd "HUGEINT': [-${BIG}::HUGEINT, NULL]}`;
    const rows = `SELECT 1::BIGINT AS id, [[1, NULL], NULL, []]::INTEGER[][] AS a, MAP {5::HUGEINT: ${point}} AS m, {'p': ${point}} AS s, '\\xff\\x00'::BLOB AS b
      UNION ALL SELECT 2, NULL, NULL, NULL, NULL`;
    const connection = await engine.connect();
    await connection.run(
      `COPY (SELECT ${storeSelectList(nested)} FROM (${rows})) TO '${path}' (${parquetCopyOptions(nested)})`,
    );
    const ids = await connection.rows(
      `SELECT name, field_id FROM parquet_schema('${path}') WHERE field_id IS NOT NULL`,
    );
    assert.deepEqual(
      ids.map(([name, id]) => `${name} ${id}`),
      [
        'id 1',
        'a 2',
        'element 6',
        'element 7',
        'm 3',
        'key 8',
        'value 9',
        'x 10',
        'odd "HUGEINT 11',
        'element 12',
        's 4',
        'p 13',
        'x 14',
        'odd "HUGEINT 15',
        'element 16',
        'b 5',
      ],
    );
    const read = `SELECT ${readSelectList(nested)} FROM ${readParquetSql(nested, [path])}`;
    assert.deepEqual(
      await connection.rows(`SELECT * FROM (${read}) ORDER BY id`),
      await connection.rows(`SELECT * FROM (${rows}) ORDER BY id`),
    );
    // A file written before the column was there.
    const later = {
      ...nested,
      columns: [...columns, column(20, 'later', { kind: 'ARRAY', element: POINT })],
    };
    assert.deepEqual(
      await connection.rows(
        `SELECT later FROM (SELECT ${readSelectList(later)} FROM ${readParquetSql(later, [path])})`,
      ),
      [[null], [null]],
    );
  });
});
