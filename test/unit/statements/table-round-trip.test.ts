// Property: what SHOW CREATE TABLE prints of any table makes the same table again, to the last detail that the
// catalog keeps of it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { TableInfo } from '../../../src/model/table.ts';
import { openStatementRig, type StatementRig } from '../../support/statement-rig.ts';

interface ColumnSql {
  readonly type: string;
  /** DEFAULT clauses that fit the type, '' for none. */
  readonly defaults: readonly string[];
  readonly aggregates: readonly string[];
  readonly isKey: boolean;
  readonly isSort: boolean;
}

const REPLACES = ['REPLACE', 'REPLACE_IF_NOT_NULL'];
const ORDERED = ['MIN', 'MAX', ...REPLACES];
const NUMBERS = ['SUM', ...ORDERED];

const of = (
  type: string,
  defaults: readonly string[],
  aggregates: readonly string[],
  isKey: boolean,
  isSort = isKey,
): ColumnSql => ({ type, defaults: ['', ...defaults], aggregates, isKey, isSort });

const KINDS: readonly ColumnSql[] = [
  of('BOOLEAN', ['DEFAULT "true"', 'DEFAULT false'], REPLACES, true),
  of('TINYINT', ['DEFAULT "-1"'], NUMBERS, true),
  of('INT', ['DEFAULT 5', 'DEFAULT "+7"'], NUMBERS, true),
  of('BIGINT', ['DEFAULT "0"'], NUMBERS, true),
  of('LARGEINT', ['DEFAULT (uuid_numeric())', 'DEFAULT "1"'], NUMBERS, true),
  of('DECIMAL(12, 3)', ['DEFAULT "1.5"'], NUMBERS, true, false),
  of('DOUBLE', ['DEFAULT "1e3"'], NUMBERS, false),
  of('DATE', ['DEFAULT "2024-02-29"'], ORDERED, true),
  of(
    'DATETIME',
    ['DEFAULT CURRENT_TIMESTAMP', 'DEFAULT now(3)', 'DEFAULT "2024-01-01 00:00:00"'],
    ORDERED,
    true,
  ),
  of('CHAR(3)', ['DEFAULT "a\\"b"'], ORDERED, true, false),
  of(
    'VARCHAR(40)',
    ['DEFAULT (uuid())', 'DEFAULT "uuid()"', "DEFAULT 'it\\'s \\\\ \\n'"],
    ORDERED,
    true,
  ),
  of('STRING', ['DEFAULT ""'], ORDERED, true),
  of('VARBINARY(9)', ['DEFAULT ""'], REPLACES, false),
  of('JSON', ['DEFAULT \'{"a": "b"}\''], REPLACES, false),
  of('ARRAY<DECIMAL(9,2)>', [], REPLACES, false),
  of('MAP<INT, ARRAY<STRING>>', [], REPLACES, false),
  of('STRUCT<a INT, `select` STRUCT<`b c` DATE>>', [], REPLACES, false),
];
const SKETCHES: readonly (readonly [type: string, aggregate: string])[] = [
  ['BITMAP', 'BITMAP_UNION'],
  ['HLL', 'HLL_UNION'],
  ['PERCENTILE', 'PERCENTILE_UNION'],
];

const text = fc.oneof(
  fc.constant(''),
  fc.string({ maxLength: 8, unit: 'grapheme' }),
  fc.constantFrom('"', "'", '\\', '\n', '\t', '`', '%_', '\\n', 'é "x" \\'),
);
const sqlText = (value: string): string =>
  `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\0', '')}'`;

const table = fc.record({
  model: fc.constantFrom('', 'DUPLICATE', 'AGGREGATE', 'UNIQUE', 'PRIMARY'),
  keys: fc.array(fc.nat(), { minLength: 1, maxLength: 3 }),
  values: fc.array(fc.nat(), { maxLength: 5 }),
  /** One number for every choice about a column. */
  choices: fc.array(fc.nat(), { minLength: 12, maxLength: 12 }),
  comments: fc.array(text, { minLength: 12, maxLength: 12 }),
  comment: text,
  generated: fc.boolean(),
  counted: fc.boolean(),
  sketch: fc.option(fc.constantFrom(...SKETCHES)),
  sort: fc.boolean(),
  buckets: fc.option(fc.integer({ min: 1, max: 100 })),
  random: fc.boolean(),
  properties: fc.uniqueArray(
    fc.constantFrom(
      '"compression" = "zstd(9)"',
      '"replication_num" = "3"',
      '"bloom_filter_columns" = ""',
      '"write_quorum" = "one"',
      '"datacache.enable" = "FALSE"',
      '"storage_medium" = "ssd"',
      '"colocate_with" = "a \\"group\\""',
    ),
  ),
});
type Table = typeof table extends fc.Arbitrary<infer T> ? T : never;

const pick = <T>(list: readonly T[], choice: number): T => {
  const item = list[choice % list.length];
  assert.ok(item !== undefined);
  return item;
};

function createSql(name: string, t: Table): string {
  const isMerged = t.model === 'AGGREGATE';
  const isPrimary = t.model === 'PRIMARY';
  const keyKinds = KINDS.filter(
    ({ isKey, isSort, defaults }) =>
      isKey && (isSort || !isPrimary) && !defaults.join().includes('uuid'),
  );
  const keys = t.keys.map((choice) => pick(keyKinds, choice));
  const values = t.values.map((choice) => pick(KINDS, choice));
  const names = [...keys.map((_, i) => `k${i}`), ...values.map((_, i) => `v-${i}.é`)];
  const columns = [...keys, ...values].map((kind, index) => {
    const choice = t.choices[index] ?? 0;
    const isKey = index < keys.length;
    const aggregate = isMerged && !isKey ? pick(kind.aggregates, choice) : '';
    const nullable = isKey && isPrimary ? '' : pick(['', 'NULL', 'NOT NULL'], choice);
    const value = pick(kind.defaults, choice >> 2);
    const comment = t.comments[index] ?? '';
    return `\`${names[index]}\` ${kind.type} ${aggregate} ${nullable} ${value} COMMENT ${sqlText(comment)}`;
  });
  if (isMerged && t.sketch !== null) columns.push(`s ${t.sketch[0]} ${t.sketch[1]} NOT NULL`);
  if (!isMerged && t.counted) columns.push('`auto` BIGINT AUTO_INCREMENT');
  if (!isMerged && t.generated) {
    columns.push("g VARCHAR(70) AS concat('\\'', CAST(k0 AS STRING), \"\\\\\") COMMENT 'made'");
    columns.push('h BOOLEAN AS (k0 IS NULL OR NOT k0 = k0)');
  }
  const sortable = keys.every(({ isSort }) => isSort);
  const keyList = keys.map((_, i) => `k${i}`);
  const buckets = t.buckets === null ? '' : `BUCKETS ${t.buckets}`;
  const canBeRandom = t.model === '' || t.model === 'DUPLICATE';
  return [
    `CREATE TABLE ${name} (${columns.join(', ')})`,
    t.model === '' ? '' : `${t.model} KEY(${keyList.join(', ')})`,
    t.comment === '' ? '' : `COMMENT ${sqlText(t.comment)}`,
    t.random && canBeRandom
      ? `DISTRIBUTED BY RANDOM ${buckets}`
      : `DISTRIBUTED BY HASH(k0) ${buckets}`,
    t.sort && sortable && t.model !== '' ? `ORDER BY (${keyList.toReversed().join(', ')})` : '',
    t.properties.length === 0 ? '' : `PROPERTIES (${t.properties.join(', ')})`,
  ].join(' ');
}

async function shown(rig: StatementRig): Promise<string> {
  const rows = await rig.run('SHOW CREATE TABLE t');
  assert.ok(rows !== 'ok');
  return rows[0]?.[1] ?? '';
}

/** What a table is, without the properties that are only printed because they are the default. */
async function kept(
  rig: StatementRig,
): Promise<Omit<TableInfo, 'id' | 'prefix' | 'createdMs' | 'properties'>> {
  const found = await rig.services.catalog.tables.get('d', 't');
  const { id: _, prefix: __, createdMs: ___, properties: ____, ...rest } = found;
  return rest;
}

test('SHOW CREATE TABLE makes the same table', async (context) => {
  const rig = await openStatementRig(context);
  await rig.run('CREATE DATABASE d');
  rig.session.database = 'd';
  await fc.assert(
    fc.asyncProperty(table, async (made) => {
      await rig.run('DROP TABLE IF EXISTS t FORCE');
      await rig.run(createSql('t', made));
      const [printed, before] = [await shown(rig), await kept(rig)];
      await rig.run('DROP TABLE t FORCE');
      await rig.run(printed);
      assert.deepEqual(await kept(rig), before);
      assert.equal(await shown(rig), printed);
      await rig.run('DROP TABLE t FORCE');
    }),
    { numRuns: 300, seed: 4 },
  );
});
