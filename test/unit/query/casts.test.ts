// CAST by table: what each pair of types gives, NULL where it does not convert; which pairs exist at all.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { installJsFunctions } from '../../../src/engine/functions/registry.ts';
import { floatText } from '../../../src/engine/text-forms.ts';
import type { SqlType } from '../../../src/model/sql-type.ts';
import { stringToDatetime } from '../../../src/query/cast-sql.ts';
import { datetimeOf, withoutZeros } from '../../../src/query/datetime-text.ts';
import { isCastable } from '../../../src/query/types.ts';
import { Bench } from './harness.ts';

let bench: Bench;
before(async () => {
  bench = await Bench.open();
});
after(() => bench.close());

/** `CAST(value AS type)` -> what a client sees; null = NULL. */
const CASTS: Readonly<Record<string, readonly (readonly [value: string, shown: string | null])[]>> =
  {
    int: [
      ["'12'", '12'],
      ["' +5 '", '5'],
      ["'-7'", '-7'],
      // SOURCE: StarRocks docs, CAST: a text such as 12.0 becomes NULL.
      ["'12.0'", null],
      ["'1e3'", null],
      ["'0x10'", null],
      ["'1_000'", null],
      ["'1,000'", null],
      ["''", null],
      ["'99999999999'", null],
      ['99999999999', null],
      ['1.9', '1'],
      ['-1.9', '-1'],
      ['3.99e0', '3'],
      ['1e20', null],
      ['true', '1'],
      ["date '2020-01-05'", '20200105'],
      ["parse_json('1')", '1'],
      [`parse_json('"7"')`, '7'],
      ["parse_json('1.7')", '1'],
      ["parse_json('true')", '1'],
      ["parse_json('{}')", null],
      ["parse_json('null')", null],
      ['NULL', null],
    ],
    tinyint: [
      ['127', '127'],
      ['128', null],
      ["'-129'", null],
    ],
    bigint: [
      ["cast('2020-01-05 10:20:30' as datetime)", '20200105102030'],
      ['9223372036854775808', null],
      ["cast('11.2' as double)", '11'],
    ],
    largeint: [
      ["'170141183460469231731687303715884105727'", '170141183460469231731687303715884105727'],
      ["'170141183460469231731687303715884105728'", null],
    ],
    boolean: [
      ["'true'", '1'],
      ["'FALSE'", '0'],
      ["'1'", '1'],
      ["'0.0'", '0'],
      ["'yes'", null],
      ['2', '1'],
      ['0.4', '1'],
      ["parse_json('false')", '0'],
    ],
    double: [
      ["'1e3'", '1000'],
      ["'.5'", '0.5'],
      ["'5.'", '5'],
      ["'abc'", null],
      ["''", null],
      ["'1e308'", '1e+308'],
      ["'1e400'", null],
      ["'-1e400'", null],
      ["'inf'", null],
      ["'nan'", null],
      [`parse_json('"1e400"')`, null],
      ["parse_json('1e2')", '100'],
      ['123456789012345678', '1.2345678901234568e+17'],
    ],
    float: [
      ["'1.5'", '1.5'],
      ["'1e39'", null],
      ["'-Infinity'", null],
    ],
    // SOURCE: StarRocks 3.3 (its issue 56391): the length does not cut.
    'char(1)': [['12345', '12345']],
    'varchar(3)': [
      ["'abcdef'", 'abcdef'],
      ['12345', '12345'],
    ],
    'decimal(10, 2)': [
      ["'9.5'", '9.50'],
      ["'1.005'", '1.01'],
      ["'-1.005'", '-1.01'],
      ["'1e3'", '1000.00'],
      ["'123456789'", null],
      ['1.999', '2.00'],
      ["parse_json('1.25')", '1.25'],
    ],
    'decimal(38, 18)': [
      ["'12345678901234567890.123456789012345678'", '12345678901234567890.123456789012345678'],
    ],
    string: [
      ['1.50', '1.50'],
      ['true', '1'],
      ['1e20', '1e+20'],
      ['1e-5', '1e-05'],
      ['1e15', '1000000000000000'],
      ['cast(0.1 as float)', '0.1'],
      ['cast(1e10 as float)', '1e+10'],
      ['cast(123456789 as float)', '1.2345679e+08'],
      ["date '0044-01-01'", '0044-01-01'],
      ["cast('2020-01-05 10:20:30.5' as datetime)", '2020-01-05 10:20:30.500000'],
      ["cast('2020-01-05' as datetime)", '2020-01-05 00:00:00'],
      ['12345678901234567890', '12345678901234567890'],
      [`parse_json('"a"')`, 'a'],
      [`parse_json('{"a":1}')`, '{"a": 1}'],
      ['[1,null]', '[1,null]'],
      ["map{'k':1.5}", '{"k":1.5}'],
      ["named_struct('x', 1, 'y', 'b')", '{"x":1,"y":"b"}'],
      ["cast('abc' as varbinary)", 'abc'],
    ],
    date: [
      ["'2020-1-5'", '2020-01-05'],
      ["'20-01-05'", '2020-01-05'],
      ["'70-01-05'", '1970-01-05'],
      ["'200105'", '2020-01-05'],
      ["'2020/01/05'", '2020-01-05'],
      ["'2020-01-05 10:20:30'", '2020-01-05'],
      ["' 2020-01-05 '", '2020-01-05'],
      ["'2020-02-30'", null],
      ["'epoch'", null],
      ["'0000-00-00'", null],
      ["'0001-01-01'", '0001-01-01'],
      ['20200105', '2020-01-05'],
      ['200105', '2020-01-05'],
      ['105', '2000-01-05'],
      ['1', null],
      [`parse_json('"2020-01-02"')`, '2020-01-02'],
    ],
    datetime: [
      ["'20200105102030'", '2020-01-05 10:20:30'],
      ["'200105102030'", '2020-01-05 10:20:30'],
      ["'2020-01-05T10:20:30'", '2020-01-05 10:20:30'],
      ["'2020-01-05 10:20'", '2020-01-05 10:20:00'],
      ["'2020-01-05 10'", '2020-01-05 10:00:00'],
      ["'2020/1/5 1:2:3'", '2020-01-05 01:02:03'],
      ["'2020-01-05 10:20:30.1234567'", '2020-01-05 10:20:30.123456'],
      ["'2020-01-05 10:20:30.12'", '2020-01-05 10:20:30.120000'],
      ["'2020-01-05 24:00:00'", null],
      ['20200105102030', '2020-01-05 10:20:30'],
    ],
    json: [
      ['1', '1'],
      ["'abc'", '"abc"'],
      [`'{"a":1}'`, '{"a": 1}'],
      ['true', 'true'],
      ["date '2020-01-01'", '"2020-01-01"'],
      ["named_struct('x', 1, 'y', 'b')", '{"x": 1, "y": "b"}'],
      ["map{'k':1.5}", '{"k": 1.5}'],
      ['[1,null]', '[1, null]'],
    ],
    'array<int>': [
      ["'[1,2,3]'", '[1,2,3]'],
      [`'[1,"x",null]'`, '[1,null,null]'],
      ["'[1'", null],
      ["'{}'", null],
      ["['1','x']", '[1,null]'],
      ["parse_json('[1, true]')", '[1,1]'],
    ],
    'array<string>': [
      ["'[1,2]'", '["1","2"]'],
      ['[true]', '["1"]'],
      ['[1.50, 2]', '["1.50","2.00"]'],
      [`'["a\\\\"b"]'`, '["a\\"b"]'],
    ],
    'array<array<decimal(38, 9)>>': [
      ["'[[12345678901234567890.123456789]]'", '[[12345678901234567890.123456789]]'],
    ],
    'array<json>': [[`parse_json('[{"a":1}, {"a": 2}]')`, `['{"a": 1}','{"a": 2}']`]],
    'map<string, int>': [
      [`'{"a":1}'`, '{"a":1}'],
      ["map{1:'2'}", '{"1":2}'],
      [`parse_json('{"a":"5"}')`, '{"a":5}'],
    ],
    'map<int, string>': [[`'{1:"a"}'`, '{1:"a"}']],
    'struct<a int, b string>': [
      [`parse_json('{"b":2,"a":"1"}')`, '{"a":1,"b":"2"}'],
      ["row('1', 'x')", '{"a":1,"b":"x"}'],
      ["'[1]'", null],
    ],
    varbinary: [["'abc'", 'abc']],
  };

for (const [type, cases] of Object.entries(CASTS)) {
  test(`CAST AS ${type}`, async () => {
    const list = cases.map(([value]) => `CAST(${value} AS ${type})`);
    const [row] = await bench.run(`SELECT ${list.join(', ')}`);
    assert.deepEqual(
      list.map((cast, i) => [cast, row?.[i]]),
      list.map((cast, i) => [cast, cases[i]?.[1]]),
    );
    const tried = await bench.run(`SELECT TRY_CAST(${cases[0]?.[0]} AS ${type})`);
    assert.deepEqual(tried, [[cases[0]?.[1]]]);
  });
}

const TYPES: Readonly<Record<string, SqlType>> = {
  boolean: { kind: 'BOOLEAN' },
  bigint: { kind: 'BIGINT' },
  double: { kind: 'DOUBLE' },
  decimal: { kind: 'DECIMAL', precision: 10, scale: 2 },
  date: { kind: 'DATE' },
  datetime: { kind: 'DATETIME' },
  varchar: { kind: 'VARCHAR', length: 5 },
  varbinary: { kind: 'VARBINARY', length: 0 },
  json: { kind: 'JSON' },
  array: { kind: 'ARRAY', element: { kind: 'INT' } },
  map: { kind: 'MAP', key: { kind: 'INT' }, value: { kind: 'INT' } },
  struct: { kind: 'STRUCT', fields: [{ name: 'a', type: { kind: 'INT' } }] },
  bitmap: { kind: 'BITMAP' },
  hll: { kind: 'HLL' },
};
/** Rows: from. x = may be cast to the column's type. */
const PAIRS = `
            boolean bigint double decimal date datetime varchar varbinary json array map struct bitmap hll
  boolean   x x x x x x x . x . . . . .
  bigint    x x x x x x x . x . . . . .
  double    x x x x x x x . x . . . . .
  decimal   x x x x x x x . x . . . . .
  date      x x x x x x x . x . . . . .
  datetime  x x x x x x x . x . . . . .
  varchar   x x x x x x x x x x x x . .
  varbinary . . . . . . x x . . . . . .
  json      x x x x x x x . x x x x . .
  array     . . . . . . x . x x . . . .
  map       . . . . . . x . x . x . . .
  struct    . . . . . . x . x . . x . .
  bitmap    . . . . . . . . . . . . x .
  hll       . . . . . . . . . . . . . x`;

test('which pairs can be cast', () => {
  const [head = [], ...rows] = PAIRS.trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/));
  assert.deepEqual(head, Object.keys(TYPES));
  for (const [from = '', ...marks] of rows) {
    const shown = head.map((to) => {
      const [a, b] = [TYPES[from], TYPES[to]];
      return a !== undefined && b !== undefined && isCastable(a, b) ? 'x' : '.';
    });
    assert.deepEqual([from, ...shown], [from, ...marks]);
  }
});

test('integers wrap around as in StarRocks; narrower ones grow', async () => {
  for (const [sql, shown] of [
    ['cast(9223372036854775807 as bigint) + 1', '-9223372036854775808'],
    ['cast(-9223372036854775808 as bigint) - 1', '9223372036854775807'],
    ['9223372036854775807 * 2 + 3', '1'],
    ['- cast(-9223372036854775808 as bigint)', '-9223372036854775808'],
    [
      'cast(170141183460469231731687303715884105727 as largeint) + 1',
      '-170141183460469231731687303715884105728',
    ],
    ['cast(127 as tinyint) + cast(1 as tinyint)', '128'],
    ['cast(2147483647 as int) * cast(2147483647 as int)', '4611686014132420609'],
    ['cast(NULL as bigint) + 1', null],
    ['7 div 2', '3'],
    ['-7 div 2', '-3'],
    ['7 div 0', null],
    ['-7 % 3', '-1'],
    ['7 / 2', '3.5'],
  ] as const) {
    assert.deepEqual(await bench.run(`SELECT ${sql}`), [[shown]], sql);
  }
  const chain = Array.from({ length: 40 }, () => 'x').join(' + ');
  assert.deepEqual(
    await bench.run(`SELECT ${chain} FROM (SELECT cast(1000000000000000000 as bigint) AS x) AS t`),
    [[String(BigInt.asIntN(64, 40n * 10n ** 18n))]],
  );
});

test('arithmetic over grouped columns, beside aggregates and inside them', async () => {
  const from =
    'FROM (SELECT cast(2.5 as decimal(10, 2)) AS d, cast(7 as largeint) AS l, cast(9 as bigint) AS b) AS t GROUP BY d, l, b';
  assert.deepEqual(
    await bench.run(
      `SELECT if(d * d > 1, count(*), 0), d * 1.1, d + d, d / 3, l * l + 1, b * 2 + b, max(b) + 1, sum(d) * 2, max(l) * 2 ${from}`,
    ),
    [['1', '2.750', '5.00', '0.83333333', '50', '27', '10', '5.00', '14']],
  );
});

test('comparisons between types', async () => {
  for (const [sql, shown] of [
    ["'10' < 9", '0'],
    ["'10' < '9'", '1'],
    ["'abc' = 0", null],
    ["'1.0' = 1", '1'],
    ["true = 'true'", '1'],
    ["date '2020-01-01' = '2020-01-01 00:00:00'", '1'],
    ["date '2020-01-01' < '2020-1-2'", '1'],
    ['[1,2] < [1,3]', '1'],
    ['[1,null] <=> [1,null]', '1'],
    ['map{1:2} = map{1:2}', '1'],
    ["row(1,'a') = row(1,'b')", '0'],
    ["parse_json('1') = parse_json('1.0')", '1'],
    ["parse_json('10') > parse_json('9')", '1'],
    [`parse_json('{"a":1,"b":2}') = parse_json('{"b":2,"a":1}')`, '1'],
    ["parse_json('[1, 2]') < parse_json('[1, 3]')", '1'],
    [`parse_json('"a"') < parse_json('"b"')`, '1'],
    ["parse_json('1') < parse_json('\"1\"')", '1'],
    ["parse_json('1') = 1", '1'],
    [`parse_json('"a"') = 'a'`, '1'],
    ["parse_json('1') <=> NULL", '0'],
    ["parse_json('1') = cast(NULL as json)", null],
  ] as const) {
    assert.deepEqual(await bench.run(`SELECT ${sql}`), [[shown]], sql);
  }
});

test('datetimes: the engine and our reading agree on every text', async () => {
  const digits = (min: number, max: number) =>
    fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: min, maxLength: max });
  const part = fc.nat(70).map((n) => (n % 2 === 0 ? String(n) : String(n).padStart(2, '0')));
  const text = fc.oneof(
    digits(5, 15),
    fc
      .tuple(fc.oneof(digits(4, 4), digits(2, 2)), fc.constantFrom('-', '/', '.'), part, part)
      .map(([y, s, m, d]) => `${y}${s}${m}${s}${d}`),
    fc
      .tuple(
        fc.integer({ min: 1, max: 9999 }),
        fc.nat(13),
        fc.nat(32),
        fc.nat(25),
        fc.nat(61),
        fc.nat(61),
        digits(0, 8),
      )
      .map(([y, m, d, h, i, s, f]) => {
        const two = (n: number): string => String(n).padStart(2, '0');
        return `${String(y).padStart(4, '0')}-${two(m)}-${two(d)} ${two(h)}:${two(i)}:${two(s)}${f === '' ? '' : `.${f}`}`;
      }),
    fc.constantFrom(
      'epoch',
      'infinity',
      '2020-01-01 10:20:30+08:00',
      '2020-01-01 (BC)',
      '2020-01-01Z',
      '',
    ),
  );
  const texts = fc.sample(text, { numRuns: 3000, seed: 7 });
  const list = texts.map((value) => `('${value}')`).join(', ');
  const rows = await bench.connection.runAndReadAll(
    `SELECT x, CAST(${stringToDatetime('x')} AS VARCHAR) FROM (VALUES ${list}) AS t(x)`,
  );
  let good = 0;
  for (const [value, shown] of rows.getRows()) {
    const ours = datetimeOf(String(value));
    const wanted = ours === null ? null : withoutZeros(ours).replace(/(\.\d*?)0+$/, '$1');
    assert.equal(shown, wanted, String(value));
    if (shown !== null) good += 1;
  }
  assert.ok(good > 300 && good < 2800, `${good} dates`);
});

test('decimals survive the way text -> DECIMAL -> text, digit by digit', async () => {
  const decimal = fc
    .tuple(fc.bigInt(-(10n ** 38n) + 1n, 10n ** 38n - 1n), fc.integer({ min: 1, max: 37 }))
    .map(([unscaled, scale]) => {
      const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
      const sign = unscaled < 0n ? '-' : '';
      return { text: `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`, scale };
    });
  await fc.assert(
    fc.asyncProperty(decimal, async ({ text, scale }) => {
      const type = `decimal(38, ${scale})`;
      const sql = `SELECT CAST('${text}' AS ${type}), CAST('[${text}]' AS array<${type}>), CAST(CAST('${text}' AS ${type}) AS string)`;
      assert.deepEqual(await bench.run(sql), [[text, `[${text}]`, text]]);
    }),
    { numRuns: 60 },
  );
});

test('floats inside texts and arrays are shown as alone', async () => {
  installJsFunctions(bench.connection);
  const floats = fc.sample(fc.float({ noNaN: true, noDefaultInfinity: true }), {
    numRuns: 500,
    seed: 3,
  });
  await bench.table(
    'floats',
    { f: { kind: 'FLOAT' } },
    floats.map((f) => `(CAST('${f}' AS FLOAT))`).join(', '),
  );
  for (const [alone, text, array] of await bench.run(
    'SELECT f, CAST(f AS string), [f] FROM floats',
  )) {
    assert.equal(text, alone);
    assert.equal(array, `[${alone}]`);
    assert.equal(floatText(Math.fround(Number(alone))), alone);
  }
});

test('the largest decimals of every size: no operation raises an error, and sums and products are exact', async () => {
  const nines = (precision: number, scale: number): string => {
    const digits = '9'.repeat(precision);
    return scale === 0 ? digits : `${digits.slice(0, -scale) || '0'}.${digits.slice(-scale)}`;
  };
  const sizes = fc.sample(
    fc
      .tuple(
        fc.integer({ min: 1, max: 38 }),
        fc.nat(38),
        fc.integer({ min: 1, max: 38 }),
        fc.nat(38),
      )
      .map(([p, s, q, t]) => [p, Math.min(s, p), q, Math.min(t, q)] as const),
    { numRuns: 120, seed: 5 },
  );
  for (const [index, [p, s, q, t]] of sizes.entries()) {
    const [a, b] = [nines(p, s), nines(q, t)];
    const list = `x + y, x - y, x * y, x / y, x + 1, x % y`;
    const decimal = (precision: number, scale: number) =>
      ({ kind: 'DECIMAL', precision, scale }) as const;
    // A stored row: constants would be computed while the statement is bound, where TRY does not help.
    const name = `nines${index}`;
    await bench.table(name, { x: decimal(p, s), y: decimal(q, t) }, `('${a}', '${b}')`);
    const [row] = await bench.run(`SELECT ${list} FROM ${name}`);
    const unscaled = (text: string, scale: number): bigint =>
      BigInt(text.replace('.', '')) * 10n ** BigInt(scale);
    if (row?.[2] !== null && p + q <= 38) {
      const product = unscaled(a, 0) * unscaled(b, 0);
      assert.equal(BigInt((row?.[2] ?? '').replace('.', '')), product, `${a} * ${b}`);
    }
    const scale = Math.max(s, t);
    if (row?.[0] !== null && Math.max(p - s, q - t) + scale < 38) {
      const sum = unscaled(a, scale - s) + unscaled(b, scale - t);
      assert.equal(BigInt((row?.[0] ?? '').replace('.', '')), sum, `${a} + ${b}`);
    }
  }
});

test('decimals that may exceed 38 digits, over grouped columns, beside aggregates and in maps', async () => {
  const wide = { kind: 'DECIMAL', precision: 20, scale: 2 } as const;
  await bench.table(
    'wide',
    { d: wide, s: { kind: 'VARCHAR', length: 65533 } },
    "('12.50', '{\"1\":2}')",
  );
  const products = 'd * d, d * d + 1, d * d * d, d * d / d, d - d * d * d, d / (d * d)';
  const numbers = [
    '156.2500',
    '157.2500',
    '1953.125000',
    '12.5000000000',
    '-1940.625000',
    '0.08000000',
  ];
  assert.deepEqual(await bench.run(`SELECT ${products} FROM wide`), [numbers]);
  assert.deepEqual(await bench.run(`SELECT ${products} FROM wide GROUP BY d`), [numbers]);
  assert.deepEqual(
    await bench.run(
      'SELECT sum(d) * sum(d), d * count(*) * d, (SELECT max(d) FROM wide) * d, cast(s as map<int, int>) FROM wide GROUP BY d, s',
    ),
    [['156.2500', '156.2500', '156.2500', '{1:2}']],
  );
  assert.deepEqual(
    await bench.run(
      'SELECT sum(d * d) OVER (PARTITION BY d * d) FROM wide WHERE d * d > 1 ORDER BY d * d',
    ),
    [['156.2500']],
  );
});

test('the first decimals beyond 38 digits are NULL and the last within are exact', async () => {
  const max = '9'.repeat(38);
  const whole = { kind: 'DECIMAL', precision: 38, scale: 0 } as const;
  const cents = { kind: 'DECIMAL', precision: 38, scale: 2 } as const;
  await bench.table(
    'edges',
    { m: whole, n: whole, c: cents, f: whole },
    // f * 9 is the largest of all.
    `('${max}', '-${max}', '0.01', '${'1'.repeat(38)}')`,
  );
  for (const [sql, shown] of [
    ['m + 1', null],
    ['m - 1', `${'9'.repeat(37)}8`],
    ['n - 1', null],
    ['n + 1', `-${'9'.repeat(37)}8`],
    ['m + n', '0'],
    ['m - n', null],
    ['m + 0', max],
    ['m * 1', max],
    ['n * 1', `-${max}`],
    ['m * 2', null],
    ['f * 9', max],
    ['f * -9', `-${max}`],
    ['f * 10', null],
    ['(f + 1) * 9', null],
    // Does not fit the scale of the result.
    ['m + c', null],
    ['f * c', `${'1'.repeat(36)}.11`],
    ['m * (c + c)', null],
    // Seven zeros more than a HUGEINT has.
    ['m / m', null],
    ['m * NULL', null],
    ['m * 0', '0'],
  ] as const) {
    assert.deepEqual(await bench.run(`SELECT ${sql} FROM edges`), [[shown]], sql);
    const grouped = await bench.run(`SELECT ${sql} FROM edges GROUP BY m, n, c, f`);
    assert.deepEqual(grouped, [[shown]], `${sql}, grouped`);
  }
  // Constants alone, which the engine computes while it plans.
  const wide = `CAST('${max}' AS decimal(38, 0))`;
  assert.deepEqual(await bench.run(`SELECT ${wide} * 10, ${wide} + 1, ${wide} / 3, ${wide} * 1`), [
    [null, null, null, max],
  ]);
});
