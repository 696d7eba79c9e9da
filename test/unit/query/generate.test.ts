// Property: whatever text a user writes, what reaches DuckDB is exactly one statement, a SELECT, and it
// binds. Strings are built to break out of quotes.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type DuckDBConnection, DuckDBInstance, StatementType } from '@duckdb/node-api';
import fc from 'fast-check';
import { AppError } from '../../../src/base/errors.ts';
import { installJsFunctions } from '../../../src/engine/functions/registry.ts';
import { quoteIdentifier } from '../../../src/model/duckdb-text.ts';
import { FUNCTION_ENTRIES } from '../../../src/query/functions/table.ts';
import { quoteString } from '../../../src/query/literal.ts';
import { plan, storedTable } from './harness.ts';

const TABLE = storedTable('t', {
  id: { kind: 'BIGINT' },
  s: { kind: 'VARCHAR', length: 20 },
  d: { kind: 'DATE' },
  ts: { kind: 'DATETIME' },
  m: { kind: 'DECIMAL', precision: 10, scale: 2 },
  f: { kind: 'DOUBLE' },
  b: { kind: 'BOOLEAN' },
  a: { kind: 'ARRAY', element: { kind: 'INT' } },
  j: { kind: 'JSON' },
});

let connection: DuckDBConnection;
before(async () => {
  connection = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
  installJsFunctions(connection);
  await connection.run(
    'CREATE TABLE t (id BIGINT, s VARCHAR, d DATE, ts TIMESTAMP, m DECIMAL(10,2), f DOUBLE, b BOOLEAN, a INTEGER[], j VARCHAR)',
  );
});
after(() => connection.closeSync());

async function check(sql: string): Promise<boolean> {
  let made: ReturnType<typeof plan>;
  try {
    made = plan(sql, [TABLE]);
  } catch (error) {
    assert.ok(error instanceof AppError && error.code !== 'INTERNAL', String(error));
    return false;
  }
  const scans = made.scans.map((scan) => `${scan.placeholder} AS (SELECT * FROM t)`);
  const text =
    scans.length === 0
      ? made.duckdbSql
      : `WITH ${scans.join(', ')} SELECT * FROM (${made.duckdbSql})`;
  const statements = await connection.extractStatements(text);
  assert.equal(statements.count, 1);
  try {
    const prepared = await statements.prepare(0);
    assert.equal(prepared.statementType, StatementType.SELECT);
  } catch (error) {
    // DuckDB computes constants while it binds: a broken regular expression, a number out of range.
    assert.match(
      String(error),
      /Error: (Invalid Input|Out of Range|Conversion) Error/,
      `${sql}\n${text}`,
    );
  }
  return true;
}

/** More with PROPERTY_RUNS=20000 for a longer search. */
const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 1500);
const nasty = fc.oneof(
  fc.string(),
  fc.constantFrom(
    "'",
    "';--",
    '"',
    '\\',
    "\\'",
    "'||'",
    '$$',
    '__scan0',
    '*/',
    '\n',
    "x'); DROP TABLE t; --",
    '\u0000',
    '🦆',
  ),
);
const mysqlString = (text: string): string =>
  `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
const leaf = fc.oneof(
  nasty.map(mysqlString),
  fc.constantFrom(
    'id',
    's',
    'd',
    'ts',
    'm',
    'f',
    'b',
    'a',
    'j',
    'null',
    'true',
    '1',
    '-1',
    '1.5',
    '1e3',
    "'5'",
    "date '2020-01-01'",
    '[1, 2]',
    "'$.a'",
    "'%Y'",
    "'day'",
  ),
);
const names = FUNCTION_ENTRIES.filter((entry) => entry.kind === 'scalar').flatMap(
  (entry) => entry.names,
);
const { expression } = fc.letrec<{ expression: string }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 3 },
    leaf,
    fc
      .tuple(
        tie('expression'),
        fc.constantFrom(
          '+',
          '-',
          '*',
          '/',
          '%',
          'div',
          '=',
          '<>',
          '<',
          '>=',
          '<=>',
          'and',
          'or',
          'like',
          'regexp',
          '&',
          '<<',
        ),
        tie('expression'),
      )
      .map(([a, op, b]) => `(${a} ${op} ${b})`),
    fc
      .tuple(fc.constantFrom(...names), fc.array(tie('expression'), { maxLength: 3 }))
      .map(([name, args]) => `\`${name}\`(${args.join(', ')})`),
    fc
      .tuple(tie('expression'), tie('expression'), tie('expression'))
      .map(([a, b, c]) => `case when ${a} then ${b} else ${c} end`),
    fc
      .tuple(
        tie('expression'),
        fc.constantFrom(
          'int',
          'string',
          'date',
          'datetime',
          'decimal(10, 2)',
          'double',
          'json',
          'boolean',
          'largeint',
        ),
      )
      .map(([a, type]) => `cast(${a} as ${type})`),
    fc
      .tuple(tie('expression'), fc.array(tie('expression'), { minLength: 1, maxLength: 3 }))
      .map(([a, items]) => `(${a} in (${items.join(', ')}))`),
    tie('expression').map((a) => `(${a} is null)`),
    tie('expression').map((a) => `(${a} + interval 1 day)`),
  ),
}));

test('random expressions make one SELECT that binds', async () => {
  let planned = 0;
  await fc.assert(
    fc.asyncProperty(expression, nasty, async (text, alias) => {
      const name = alias.replaceAll('`', '``').replaceAll('\0', '');
      if (await check(`select ${text} as \`a${name}\` from t where ${text} order by 1`)) planned++;
    }),
    { numRuns: RUNS },
  );
  assert.ok(planned > RUNS / 5, `${planned} of ${RUNS} could be planned`);
});

const column = fc.constantFrom('id', 's', 'd', 'm', 'f', 'b', 'upper(s)', 'id + 1', 'year(d)');
const aggregate = fc.oneof(
  fc
    .tuple(
      fc.constantFrom(
        'sum',
        'count',
        'avg',
        'min',
        'max',
        'any_value',
        'stddev',
        'array_agg',
        'group_concat',
        'approx_count_distinct',
        'bool_or',
        'median',
      ),
      fc.constantFrom('', 'distinct '),
      column,
    )
    .map(([name, distinct, arg]) => `${name}(${distinct}${arg})`),
  fc.constantFrom(
    'count(*)',
    'max_by(id, f)',
    'count(distinct id, s)',
    'percentile_approx(f, 0.5)',
  ),
);
const windowed = fc
  .tuple(
    fc.constantFrom(
      'row_number()',
      'rank()',
      'lag(id)',
      'lead(s, 2)',
      'sum(m)',
      'avg(m)',
      'count(*)',
      'first_value(d)',
      'ntile(3)',
    ),
    column,
    column,
  )
  .map(
    ([call, partition, order]) => `${call} over (partition by ${partition} order by ${order} desc)`,
  );
const item = fc.oneof(
  column,
  aggregate,
  windowed,
  fc.tuple(aggregate, column).map(([a, b]) => `if(${b} is null, ${a}, null)`),
);
const relation = fc.constantFrom(
  't',
  't left join (select id x, count(*) n from t group by id) q on t.id = q.x',
  't left semi join t u on t.id = u.id',
  'db.t t join (values (1, 2)) v(id2, y) on id = id2',
  '(select distinct * from t) t',
  '(select * from t union all select * from t) t',
  't cross join unnest(a) e(x)',
);
const list = (of: fc.Arbitrary<string>, most: number): fc.Arbitrary<string> =>
  fc.array(of, { minLength: 1, maxLength: most }).map((parts) => parts.join(', '));
const clause = (word: string, of: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.option(of, { nil: '' }).map((text) => (text === '' ? '' : ` ${word} ${text}`));
const order = (of: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  clause('order by', list(fc.oneof(of, fc.constantFrom('1')), 2));
const limit = clause('limit', fc.constantFrom('5', '2, 3'));
const anything = fc
  .tuple(
    fc.constantFrom('', 'distinct '),
    list(item, 4),
    relation,
    clause('where', column),
    clause('group by', list(column, 3)),
    order(item),
    limit,
  )
  .map(
    ([distinct, items, from, ...rest]) => `select ${distinct}${items} from ${from}${rest.join('')}`,
  );
const plain = fc
  .tuple(
    list(fc.oneof(column, windowed), 4),
    relation,
    clause('where', column),
    clause('qualify', windowed),
    order(fc.oneof(column, windowed)),
    limit,
  )
  .map(([items, from, ...rest]) => `select ${items} from ${from}${rest.join('')}`);
const grouped = fc.tuple(column, column).chain(([a, b]) => {
  const part = fc.oneof(
    fc.constantFrom(a, b, `concat(${a}, ${b})`),
    aggregate,
    aggregate.map((x) => `sum(count(*)) over (order by ${x}, ${a})`),
  );
  return fc
    .tuple(
      list(part, 4),
      relation,
      fc.constantFrom(
        `${a}, ${b}`,
        `rollup(${a}, ${b})`,
        `cube(${a}, ${b})`,
        `grouping sets ((${a}), (${b}), ())`,
      ),
      clause(
        'having',
        aggregate.map((x) => `${x} is not null`),
      ),
      order(part),
      limit,
    )
    .map(
      ([items, from, groups, ...rest]) =>
        `select ${items} from ${from} group by ${groups}${rest.join('')}`,
    );
});
const select = fc.oneof(anything, plain, grouped);

test('random SELECTs make one SELECT that binds: what we accept, the engine accepts', async () => {
  let planned = 0;
  await fc.assert(
    fc.asyncProperty(select, async (sql) => {
      if (await check(sql)) planned++;
    }),
    { numRuns: RUNS },
  );
  assert.ok(planned > RUNS / 5, `${planned} of ${RUNS}`);
});

test('quoted text comes back as it was', async () => {
  await fc.assert(
    fc.asyncProperty(nasty, async (text) => {
      const reader = await connection.runAndReadAll(`SELECT ${quoteString(text)}`);
      assert.equal(reader.getRows()[0]?.[0], text.toWellFormed());
    }),
    { numRuns: 300 },
  );
  assert.equal(quoteIdentifier('a"b'), '"a""b"');
});

test('decimals are guarded against too many digits only where their types allow so many', () => {
  const table = storedTable('m', {
    a: { kind: 'DECIMAL', precision: 15, scale: 2 },
    b: { kind: 'DECIMAL', precision: 30, scale: 2 },
  });
  assert.doesNotMatch(plan('SELECT a * (1 - a) FROM m', [table]).duckdbSql, /CASE|TRY\(/);
  assert.match(plan('SELECT a * b FROM m', [table]).duckdbSql, /CASE WHEN t0."a" BETWEEN/);
});
