// Which types may become which without touching files.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type SqlType, STRING_LENGTH } from '../../../src/model/sql-type.ts';
import { isWidening } from '../../../src/query/widening.ts';
import { typeProblem } from '../../../src/statements/column-change.ts';

const of = (
  kind: 'INT' | 'BIGINT' | 'LARGEINT' | 'FLOAT' | 'DOUBLE' | 'DATE' | 'DATETIME',
): SqlType => ({
  kind,
});
const text = (length: number): SqlType => ({ kind: 'VARCHAR', length });
const decimal = (precision: number, scale: number): SqlType => ({
  kind: 'DECIMAL',
  precision,
  scale,
});
const bytes = (length: number): SqlType => ({ kind: 'VARBINARY', length });

const YES: readonly (readonly [SqlType, SqlType])[] = [
  [of('INT'), of('BIGINT')],
  [of('BIGINT'), of('LARGEINT')],
  [of('BIGINT'), of('DOUBLE')],
  [of('FLOAT'), of('DOUBLE')],
  [of('DATE'), of('DATETIME')],
  [text(5), text(STRING_LENGTH)],
  [{ kind: 'CHAR', length: 5 }, text(5)],
  [decimal(10, 2), decimal(12, 4)],
  [bytes(5), bytes(0)],
  [
    { kind: 'ARRAY', element: of('INT') },
    { kind: 'ARRAY', element: of('INT') },
  ],
];

/** Some of these StarRocks does by rewriting; in place they would read differently after further changes. */
const NO: readonly (readonly [SqlType, SqlType])[] = [
  [of('BIGINT'), of('INT')],
  [of('LARGEINT'), of('DOUBLE')],
  // FLOAT and then DOUBLE would not be what DOUBLE is at once.
  [of('INT'), of('FLOAT')],
  [of('DATETIME'), of('DATE')],
  [of('INT'), text(20)],
  [text(20), of('INT')],
  [text(5), { kind: 'CHAR', length: 5 }],
  [decimal(10, 2), decimal(10, 4)],
  [decimal(10, 2), decimal(12, 1)],
  [bytes(0), bytes(5)],
  [
    { kind: 'ARRAY', element: of('INT') },
    { kind: 'ARRAY', element: of('BIGINT') },
  ],
];

test('widenings, and nothing else', () => {
  for (const [from, to] of YES)
    assert.equal(isWidening(from, to), true, JSON.stringify([from, to]));
  for (const [from, to] of NO)
    assert.equal(isWidening(from, to), false, JSON.stringify([from, to]));
});

test('why not, in words', () => {
  assert.equal(typeProblem(of('INT'), of('BIGINT')), null);
  assert.equal(typeProblem(text(9), text(8)), 'Cannot shorten string length');
  assert.match(
    typeProblem(of('BIGINT'), { kind: 'BITMAP' }) ?? '',
    /^Can not change bigint\(20\) to bitmap: ADD COLUMN/,
  );
});
