// Whether types of schemas fit columns: what a column becomes holds its old values and the new ones, by what ALTER TABLE
// does without writing files; a table of the other cases.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { printSqlType, type SqlType } from '../../../../src/model/sql-type.ts';
import { fitOf } from '../../../../src/query/infer/fit.ts';
import { isWidening } from '../../../../src/query/widening.ts';

const plain = fc.constantFrom<SqlType['kind']>(
  'BOOLEAN',
  'TINYINT',
  'SMALLINT',
  'INT',
  'BIGINT',
  'LARGEINT',
  'FLOAT',
  'DOUBLE',
  'DATE',
  'DATETIME',
  'JSON',
);
const type = fc.oneof(
  plain.map((kind) => ({ kind }) as SqlType),
  fc.tuple(fc.integer({ min: 1, max: 38 }), fc.nat(38)).map(([precision, scale]) => ({
    kind: 'DECIMAL' as const,
    precision,
    scale: Math.min(scale, precision),
  })),
  fc.integer({ min: 1, max: 100 }).map((length) => ({ kind: 'VARCHAR' as const, length })),
);

test('a type fits itself, and a wider column needs no file to be written and fits then', () => {
  fc.assert(
    fc.property(type, type, (wanted, has) => {
      assert.equal(fitOf(wanted, wanted).kind, 'fits');
      const fit = fitOf(wanted, has);
      if (fit.kind !== 'widen') return;
      assert.ok(isWidening(has, fit.to), `${printSqlType(has)} -> ${printSqlType(fit.to)}`);
      assert.equal(fitOf(wanted, fit.to).kind, 'fits');
    }),
    { numRuns: 2_000, seed: 3 },
  );
});

const DECIMAL = (precision: number, scale: number): SqlType => ({
  kind: 'DECIMAL',
  precision,
  scale,
});
const CASES: readonly (readonly [wanted: SqlType, column: SqlType, fit: string])[] = [
  [{ kind: 'INT' }, { kind: 'TINYINT' }, 'widen int(11)'],
  [{ kind: 'FLOAT' }, { kind: 'INT' }, 'widen double'],
  // A double would not hold all of them.
  [{ kind: 'DOUBLE' }, { kind: 'BIGINT' }, 'conflict'],
  [DECIMAL(9, 4), DECIMAL(9, 2), 'widen decimal(11, 4)'],
  [DECIMAL(38, 0), DECIMAL(38, 20), 'conflict'],
  [{ kind: 'BOOLEAN' }, { kind: 'INT' }, 'conflict'],
  [{ kind: 'INT' }, { kind: 'BOOLEAN' }, 'conflict'],
  [{ kind: 'VARCHAR', length: 9 }, { kind: 'INT' }, 'conflict'],
  [{ kind: 'VARCHAR', length: 9 }, { kind: 'DATETIME' }, 'fits'],
  [{ kind: 'INT' }, { kind: 'VARCHAR', length: 5 }, 'fits'],
  [{ kind: 'DATETIME' }, { kind: 'BIGINT' }, 'fits'],
  [{ kind: 'DATETIME' }, { kind: 'INT' }, 'conflict'],
  [{ kind: 'JSON' }, { kind: 'STRUCT', fields: [] }, 'fits'],
  [{ kind: 'JSON' }, { kind: 'INT' }, 'conflict'],
  [
    { kind: 'ARRAY', element: { kind: 'INT' } },
    { kind: 'ARRAY', element: { kind: 'BIGINT' } },
    'fits',
  ],
  [
    { kind: 'ARRAY', element: { kind: 'BIGINT' } },
    { kind: 'ARRAY', element: { kind: 'INT' } },
    'conflict',
  ],
  [{ kind: 'VARBINARY', length: 0 }, { kind: 'INT' }, 'conflict'],
];

for (const [wanted, has, expected] of CASES)
  test(`${printSqlType(wanted)} into ${printSqlType(has)}: ${expected}`, () => {
    const fit = fitOf(wanted, has);
    assert.equal(fit.kind === 'widen' ? `widen ${printSqlType(fit.to)}` : fit.kind, expected);
  });
