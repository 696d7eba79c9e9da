// Files are left out of a query by their statistics: random files with values of every type and random conditions
// against the same query over all files (no row is lost), and for each type examples of what is left out.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { asId, type FileId, type TransactionId, type VolumeId } from '../../../src/base/ids.ts';
import {
  parquetCopyOptions,
  readParquetSql,
  readSelectList,
  stagedFileFromStats,
  storeSelectList,
} from '../../../src/model/parquet-layout.ts';
import type { QueryPlan } from '../../../src/model/query-plan.ts';
import { duckdbType } from '../../../src/model/sql-type.ts';
import type { DataFile, TableSchema } from '../../../src/model/table.ts';
import type { QueryTable } from '../../../src/query/catalog.ts';
import { Bench, type Columns, plan, storedTable } from './harness.ts';

const RUNS = Number(process.env['FC_RUNS'] ?? 40);

const COLUMNS = {
  b: { kind: 'BOOLEAN' },
  ti: { kind: 'TINYINT' },
  i: { kind: 'INT' },
  big: { kind: 'BIGINT' },
  l: { kind: 'LARGEINT' },
  f: { kind: 'FLOAT' },
  d: { kind: 'DOUBLE' },
  dc: { kind: 'DECIMAL', precision: 9, scale: 2 },
  dd: { kind: 'DECIMAL', precision: 38, scale: 10 },
  da: { kind: 'DATE' },
  dt: { kind: 'DATETIME' },
  s: { kind: 'VARCHAR', length: 65533 },
  c: { kind: 'CHAR', length: 10 },
  j: { kind: 'JSON' },
  vb: { kind: 'VARBINARY', length: 0 },
  a: { kind: 'ARRAY', element: { kind: 'INT' } },
} as const satisfies Columns;
type Name = keyof typeof COLUMNS;
const NAMES = Object.keys(COLUMNS) as Name[];
const ALL: Columns = { id: { kind: 'BIGINT' }, ...COLUMNS };

const LONG = 'é'.repeat(200);
const TEXTS = [
  '',
  'a',
  'ab',
  'abc',
  'abd',
  'B',
  'é',
  'z',
  '😀',
  `abc${'x'.repeat(400)}`,
  LONG,
  '\\x41',
  '\u{10ffff}'.repeat(90),
];
/** Values of each column as SQL that both DuckDB and the product read. */
const POOL: Readonly<Record<Name, readonly string[]>> = {
  b: ['true', 'false'],
  ti: ['-128', '-1', '0', '1', '7', '127'],
  i: ['-2147483648', '-5', '0', '5', '6', '300', '2147483647'],
  big: ['-9223372036854775807', '-1', '0', '5', '9007199254740993', '9223372036854775807'],
  l: ['-10', '9', '10', '170141183460469231731687303715884105727'],
  f: ["'-3.4e38'", "'-0.1'", "'0'", "'0.1'", "'1.5'", "'16777217'"],
  d: ["'-1e300'", "'-0.1'", "'0'", "'0.1'", "'5'", "'1e-320'", "'0.30000000000000004'"],
  dc: ["'-9999999.99'", "'-0.01'", "'0'", "'1.50'", "'10.00'", "'9.99'"],
  dd: ["'-12345678901234567890.0123456789'", "'0'", "'0.0000000001'", "'5'", "'10'"],
  da: [
    "'0001-01-01'",
    "'1969-12-31'",
    "'2020-01-31'",
    "'2020-02-29'",
    "'2024-01-01'",
    "'9999-12-31'",
  ],
  dt: [
    "'1969-12-31 23:59:59.999999'",
    "'2020-01-31 00:00:00'",
    "'2020-01-31 10:00:00.5'",
    "'2020-02-01 00:00:00'",
    "'2024-06-01 12:00:00'",
  ],
  s: TEXTS.map((text) => `'${text}'`),
  c: ["''", "'a'", "'abc'", "'B'", "'zz'"],
  j: [`'1'`, `'"a"'`, `'{"k": 2}'`],
  vb: ["''", "'ab'", "'\\xFF'"],
  a: ['[1]', '[]', '[2, 3]'],
};

const name: fc.Arbitrary<Name> = fc.constantFrom(...NAMES);
const ordered = fc.constantFrom(...NAMES.filter((one) => !['j', 'vb', 'a'].includes(one)));
const operator = fc.constantFrom('=', '<>', '<', '<=', '>', '>=', '<=>');
const constantOf = (column: Name): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...POOL[column]) },
    { weight: 1, arbitrary: fc.constant('NULL') },
    { weight: 1, arbitrary: fc.constantFrom(...POOL.big) },
  );

type Qualify = (column: string) => string;
type Atom = (qualify: Qualify) => string;

const atom: fc.Arbitrary<Atom> = fc.oneof(
  fc.tuple(ordered, operator, fc.boolean()).chain(([column, op, flip]) =>
    constantOf(column).map(
      (value): Atom =>
        (q) =>
          flip ? `${value} ${op} ${q(column)}` : `${q(column)} ${op} ${value}`,
    ),
  ),
  fc.tuple(name, fc.boolean()).map(
    ([column, not]): Atom =>
      (q) =>
        `${q(column)} IS ${not ? 'NOT ' : ''}NULL`,
  ),
  fc.tuple(ordered, fc.boolean()).chain(([column, not]) =>
    fc.array(constantOf(column), { minLength: 1, maxLength: 3 }).map(
      (items): Atom =>
        (q) =>
          `${q(column)} ${not ? 'NOT ' : ''}IN (${items.join(', ')})`,
    ),
  ),
  fc.tuple(ordered, fc.boolean()).chain(([column, not]) =>
    fc.tuple(constantOf(column), constantOf(column)).map(
      ([low, high]): Atom =>
        (q) =>
          `${q(column)} ${not ? 'NOT ' : ''}BETWEEN ${low} AND ${high}`,
    ),
  ),
  fc
    .tuple(
      fc.constantFrom('s', 'c'),
      fc.boolean(),
      fc.constantFrom('a%', 'abc%', 'ab_', 'abc', '%c', 'é%', 'a\\\\_%', '_b%', '', '😀%', 'abcx%'),
    )
    .map(
      ([column, not, pattern]): Atom =>
        (q) =>
          `${q(column)} ${not ? 'NOT ' : ''}LIKE '${pattern}'`,
    ),
  fc
    .tuple(
      fc.constantFrom('year', 'month', 'day', 'hour', 'week', 'quarter'),
      operator,
      fc.constantFrom(...POOL.dt, ...POOL.da),
    )
    .map(
      ([unit, op, value]): Atom =>
        (q) =>
          `date_trunc('${unit}', ${q('dt')}) ${op} ${value}`,
    ),
  fc.tuple(operator, fc.constantFrom(...POOL.da)).chain(([op, value]) =>
    fc.constantFrom<Atom>(
      (q) => `date(${q('dt')}) ${op} ${value}`,
      (q) => `to_date(${q('dt')}) ${op} ${value}`,
      (q) => `CAST(${q('dt')} AS DATE) ${op} ${value}`,
      (q) => `CAST(${q('da')} AS DATETIME) ${op} ${value}`,
      (q) => `year(${q('dt')}) ${op} 2020`,
      (q) => `${q('da')} ${op} ${q('dt')}`,
      (q) => `${q('i')} + 1 ${op} 6`,
      (q) => `abs(${q('i')}) ${op} 5`,
      (q) => `${q('i')} ${op} ${q('ti')}`,
      (q) => `${q('d')} ${op} ${q('f')}`,
      (q) => `CAST(${q('dc')} AS DECIMAL(5, 1)) ${op} 10`,
      (q) => `CAST(${q('d')} AS INT) ${op} 0`,
      (q) => `CAST(${q('big')} AS INT) ${op} 5`,
      (q) => `CAST(${q('i')} AS BOOLEAN) ${op} true`,
      (q) => `upper(${q('s')}) ${op} 'ABC'`,
    ),
  ),
  fc.constant<Atom>((q) => q('b')),
);

const condition: fc.Arbitrary<Atom> = fc.letrec<{ part: Atom }>((tie) => ({
  part: fc.oneof(
    { maxDepth: 2 },
    atom,
    fc.tuple(tie('part'), fc.constantFrom('AND', 'OR', 'XOR'), tie('part')).map(
      ([left, op, right]): Atom =>
        (q) =>
          `(${left(q)} ${op} ${right(q)})`,
    ),
    tie('part').map(
      (part): Atom =>
        (q) =>
          `(NOT ${part(q)})`,
    ),
  ),
})).part;

/** Rows of one file: a value of a few of the pool for each column, so that ranges of files differ. */
const file = fc
  .tuple(
    ...NAMES.map((column) =>
      fc.array(fc.oneof(fc.constantFrom(...POOL[column]), fc.constant('NULL')), {
        minLength: 1,
        maxLength: 2,
      }),
    ),
  )
  .chain((pools) =>
    fc.array(fc.tuple(...pools.map((pool) => fc.constantFrom(...pool))), {
      minLength: 1,
      maxLength: 4,
    }),
  );

interface Stored {
  readonly table: QueryTable;
  readonly schema: TableSchema;
  /** By the id of a file. */
  readonly paths: ReadonlyMap<FileId, string>;
}

let bench: Bench;
let directory: string;
let made = 0;

before(async () => {
  bench = await Bench.open();
  directory = await mkdtemp(join(tmpdir(), 'millrace-prune-'));
});
after(async () => {
  bench.close();
  await rm(directory, { recursive: true });
});

async function store(
  tableName: string,
  columns: Columns,
  files: readonly (readonly (readonly string[])[])[],
): Promise<Stored> {
  const empty = storedTable(tableName, columns);
  assert(empty.kind === 'stored');
  const { schema } = empty.info;
  const paths = new Map<FileId, string>();
  const found: DataFile[] = [];
  const types = schema.columns.map(({ type }) => type);
  for (const rows of files) {
    made += 1;
    const path = join(directory, `${made}.parquet`);
    const values = rows.map(
      (row) =>
        `(${row.map((cell, index) => `CAST(${cell} AS ${duckdbType(types[index] ?? { kind: 'NULL' })})`).join(', ')})`,
    );
    const names = schema.columns.map((column) => `"${column.name}"`).join(', ');
    const read = await bench.connection.runAndReadAll(
      `COPY (SELECT ${storeSelectList(schema)} FROM (VALUES ${values.join(', ')}) AS v(${names})) TO '${path}' (${parquetCopyOptions(schema)})`,
    );
    const [stats] = read.getRowObjectsJS();
    assert(stats !== undefined);
    const id = asId<FileId>(made);
    paths.set(id, path);
    found.push({
      ...stagedFileFromStats(stats, { volumeId: asId<VolumeId>(1), key: path, schema }),
      id,
      transactionId: asId<TransactionId>(1),
      deletes: [],
      deletedRows: 0,
    });
  }
  return { table: { ...empty, files: found }, schema, paths };
}

/** The rows of a plan over the files that `files` names for each scan. */
async function rowsOf(
  planned: QueryPlan,
  stored: readonly Stored[],
  files: (scan: QueryPlan['scans'][number], of: Stored) => readonly FileId[],
): Promise<(string | null)[][]> {
  const views: string[] = [];
  for (const [index, scan] of planned.scans.entries()) {
    const of = stored.find(({ schema }) => schema === scan.schema);
    assert(of !== undefined);
    const wanted = files(scan, of).map((id) => of.paths.get(id) ?? '');
    const paths = wanted.length === 0 ? [...of.paths.values()] : wanted;
    const none = wanted.length === 0 ? ' WHERE false' : '';
    views.push(`scan_${index}`);
    await bench.connection.run(
      `CREATE OR REPLACE TEMP VIEW scan_${index} AS SELECT ${readSelectList(of.schema)} FROM ${readParquetSql(of.schema, paths)}${none}`,
    );
  }
  return (await bench.runPlan(planned, views)).toSorted((a, b) =>
    JSON.stringify(a) < JSON.stringify(b) ? -1 : 1,
  );
}

/** How many files the plan leaves out. Fails when a row is lost by it. */
async function leftOut(sql: string, stored: readonly Stored[]): Promise<number> {
  const planned = plan(
    sql,
    stored.map(({ table }) => table),
  );
  const all = await rowsOf(planned, stored, (_, of) => [...of.paths.keys()]);
  const pruned = await rowsOf(planned, stored, (scan) => scan.files.map(({ id }) => id));
  assert.deepEqual(pruned, all, sql);
  const count = planned.scans.flatMap(({ files }) => files).length;
  return stored.reduce((sum, { paths }) => sum + paths.size, 0) - count;
}

const numbered = (
  files: readonly (readonly (readonly string[])[])[],
): readonly (readonly (readonly string[])[])[] =>
  files.map((rows, f) => rows.map((row, r) => [String((f * 2 + r) % 5), ...row]));

test('no row is lost, whatever is asked of whatever files', async () => {
  let out = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(file, { minLength: 1, maxLength: 3 }),
      fc.array(file, { minLength: 1, maxLength: 2 }),
      fc.array(condition, { minLength: 8, maxLength: 8 }),
      fc.array(
        fc.tuple(
          condition,
          fc.constantFrom('LEFT', 'RIGHT', 'FULL OUTER', 'INNER'),
          fc.boolean(),
          condition,
        ),
        { minLength: 3, maxLength: 3 },
      ),
      async (files, others, conditions, joins) => {
        const t = await store('t', ALL, numbered(files));
        const u = await store('u', ALL, numbered(others));
        for (const where of conditions) {
          out += await leftOut(`SELECT id FROM t WHERE ${where((column) => column)}`, [t]);
        }
        for (const [one, kind, both, other] of joins) {
          const [left, right] = [one((c) => `t.${c}`), other((c) => `u.${c}`)];
          out += await leftOut(
            `SELECT t.id, u.id FROM t ${kind} JOIN u ON t.id = u.id WHERE ${both ? `${left} AND ` : ''}${right}`,
            [t, u],
          );
        }
      },
    ),
    { numRuns: RUNS },
  );
  assert(out > RUNS, `${out} files left out in ${RUNS} runs`);
});

/** Two files, the first below the second, and a third of NULLs. */
const EXAMPLES: readonly (readonly [Name, low: string, high: string, sql: string, read: number])[] =
  [
    ['b', 'false', 'true', 'b', 1],
    ['b', 'false', 'true', 'NOT b', 1],
    ['ti', '1', '5', 'ti = 5', 1],
    ['ti', '1', '5', 'ti = 300', 0],
    ['i', '1', '5', 'i <> 1', 1],
    ['i', '1', '5', 'i IN (0, 2, 5)', 1],
    ['i', '1', '5', 'i NOT IN (5, 7)', 1],
    ['i', '1', '5', 'i NOT IN (5, NULL)', 0],
    ['i', '1', '5', 'i = 7 OR i = 1', 1],
    ['i', '1', '5', 'i BETWEEN 2 AND 4', 0],
    ['i', '1', '5', 'NOT (i > 1)', 1],
    ['i', '1', '5', 'i IS NULL', 1],
    ['i', '1', '5', 'i IS NOT NULL', 2],
    ['i', '1', '5', 'i <=> NULL', 1],
    ['big', '1', '9007199254740993', 'big > 9007199254740992', 1],
    ['l', '9', '10', 'l IS NULL', 1],
    ['f', "'0.1'", "'1.5'", 'f > 1', 1],
    ['d', "'0.1'", "'1.5'", 'd < 1', 1],
    ['dc', "'9.99'", "'10.00'", 'dc >= 10', 1],
    ['dd', "'5'", "'10'", 'dd < 7.5', 1],
    ['da', "'2020-01-31'", "'2024-01-01'", "da = '2024-01-01'", 1],
    ['da', "'2020-01-31'", "'2024-01-01'", "da >= '2020-06-01 10:00:00'", 1],
    ['da', "'2020-01-31'", "'2024-01-01'", 'year(da) = 2024', 1],
    ['dt', "'2020-01-31 10:00:00.5'", "'2024-06-01 12:00:00'", "date(dt) = '2020-01-31'", 1],
    [
      'dt',
      "'2020-01-31 10:00:00.5'",
      "'2024-06-01 12:00:00'",
      "date_trunc('month', dt) = '2024-06-01'",
      1,
    ],
    [
      'dt',
      "'2020-01-31 10:00:00.5'",
      "'2024-06-01 12:00:00'",
      "CAST(dt AS DATE) < '2021-01-01'",
      1,
    ],
    ['s', "'abc'", "'z'", "s LIKE 'ab%'", 1],
    ['s', "'abc'", "'z'", "s = 'B'", 0],
    ['s', "'abc'", "'z'", "s NOT LIKE 'ab%'", 2],
    ['c', "'a'", "'zz'", "c > 'b'", 1],
    ['j', `'1'`, `'2'`, 'j IS NULL', 1],
    ['vb', "'a'", "'b'", 'vb IS NOT NULL', 2],
  ];

for (const [column, low, high, where, read] of EXAMPLES) {
  test(`${where}: ${read} of the files [${low}], [${high}], [NULL]`, async () => {
    const columns: Columns = { id: { kind: 'BIGINT' }, [column]: COLUMNS[column] };
    const t = await store('t', columns, [[['1', low]], [['2', high]], [['3', 'NULL']]]);
    assert.equal(3 - (await leftOut(`SELECT id FROM t WHERE ${where}`, [t])), read);
  });
}

test('what an outer join fills up with NULLs loses no file to IS NULL', async () => {
  const columns: Columns = { id: { kind: 'BIGINT' }, i: { kind: 'INT' } };
  const t = await store('t', columns, [[['1', '1']], [['2', '2']]]);
  const u = await store('u', columns, [[['1', '1']]]);
  const join = 'SELECT t.id FROM t LEFT JOIN u ON t.id = u.id WHERE';
  assert.equal(await leftOut(`${join} u.i IS NULL`, [t, u]), 0);
  assert.equal(await leftOut(`${join} u.i = 5`, [t, u]), 1);
  assert.equal(await leftOut(`${join} t.i IS NULL`, [t, u]), 2);
});
