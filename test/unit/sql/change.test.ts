// DELETE and UPDATE: what they parse to, and that printing gives the same tree again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AppError } from '../../../src/base/errors.ts';
import type { Delete, Update } from '../../../src/sql/ast/change.ts';
import type { Statement } from '../../../src/sql/ast/statement.ts';
import { hintItems } from '../../../src/sql/hints.ts';
import { countParameters } from '../../../src/sql/parameters.ts';
import { parseStatement } from '../../../src/sql/parse.ts';
import { printStatement } from '../../../src/sql/print-statement.ts';
import { name, names, pos, trees } from './arbitrary.ts';
import { withoutPositions } from './tree.ts';

function parsed<K extends 'delete' | 'update'>(
  kind: K,
  text: string,
): Extract<Statement, { kind: K }> {
  const statement = parseStatement(text);
  assert.equal(statement.kind, kind);
  return statement as Extract<Statement, { kind: K }>;
}

test('DELETE with and without its clauses', () => {
  const plain: Delete = parsed('delete', 'DELETE FROM db.t WHERE k = 1');
  assert.deepEqual([plain.table.database, plain.table.name], ['db', 't']);
  assert.equal(plain.using, null);
  assert.equal(plain.partitions, null);
  assert.equal(parsed('delete', 'DELETE FROM t').where, null);
  const full = parsed(
    'delete',
    'DELETE FROM t PARTITION (p1, p2) USING a, b JOIN c ON b.x = c.x WHERE t.k = a.k AND a.k = b.k',
  );
  assert.deepEqual(
    full.partitions?.names.map((partition) => partition.name),
    ['p1', 'p2'],
  );
  assert.equal(full.using?.kind, 'join');
  assert.deepEqual(
    parsed('delete', 'DELETE FROM t PARTITION p1 WHERE k >= 3').partitions?.names.length,
    1,
  );
});

test('UPDATE with and without its clauses', () => {
  const plain: Update = parsed('update', 'UPDATE t SET a = a + 1, `b c` = DEFAULT WHERE true');
  assert.deepEqual(
    plain.assignments.map(({ column, value }) => [column, value.kind]),
    [
      ['a', 'binary'],
      ['b c', 'default'],
    ],
  );
  assert.equal(plain.from, null);
  assert.equal(parsed('update', 'UPDATE t SET a = 1').where, null);
  const joined = parsed('update', 'UPDATE t SET a = s.a FROM s WHERE t.k = s.k');
  assert.equal(joined.from?.kind, 'table');
  // An equals sign in a value compares.
  const [first] = parsed('update', 'UPDATE t SET a = b = c').assignments;
  assert.equal(first?.value.kind, 'binary');
});

test('UPDATE as MySQL has it: the first table changes, columns may say whose they are', () => {
  const text = 'UPDATE d.t, (SELECT 1 AS k) AS s, u SET d.t.a = s.k, t.b = 2 WHERE t.k = s.k';
  const update = parsed('update', text);
  assert.deepEqual([update.table.database, update.table.name], ['d', 't']);
  assert.deepEqual(
    update.assignments.map(({ qualifier, column }) => [...qualifier, column]),
    [
      ['d', 't', 'a'],
      ['t', 'b'],
    ],
  );
  assert.equal(update.from?.kind, 'join');
  assert.match(printStatement(update), /^UPDATE d\.t SET d\.t\.a = s\.k, t\.b = 2 FROM \(SELECT/);
});

test('WITH in front, hints behind the verb, parameters', () => {
  const head = 'WITH x AS (SELECT 1 AS k), y AS (SELECT k FROM x)';
  const gone = parsed('delete', `${head} DELETE FROM t USING y WHERE t.k = y.k`);
  assert.deepEqual(
    gone.ctes.map((cte) => cte.name),
    ['x', 'y'],
  );
  assert.equal(gone.pos.start, 0);
  const recursive =
    'WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 3) UPDATE t SET a = 1 FROM r WHERE k = n';
  assert.equal(parsed('update', recursive).recursive, true);
  assert.equal(parseStatement(`${head} SELECT * FROM y`).kind, 'query');
  for (const text of [
    `${head} DELETE /*+ SET_VAR(insert_timeout = 5) */ FROM t WHERE true`,
    'UPDATE /*+ SET_VAR(insert_timeout = 5) */ t SET a = 1 WHERE true',
  ]) {
    const [item] = hintItems(parseStatement(text), text);
    assert.deepEqual([item?.name, item?.kind], ['insert_timeout', 'system']);
  }
  const bound = parseStatement('UPDATE t SET a = ?, b = ? WHERE k IN (?, ?)');
  assert.equal(countParameters(bound), 4);
});

test('EXPLAIN of both', () => {
  for (const [text, kind] of [
    ['EXPLAIN DELETE FROM t WHERE true', 'delete'],
    ['EXPLAIN VERBOSE UPDATE t SET a = 1 WHERE true', 'update'],
    ['DESC WITH x AS (SELECT 1) UPDATE t SET a = 1 FROM x', 'update'],
    ['EXPLAIN WITH x AS (SELECT 1) SELECT * FROM x', 'query'],
  ] as const) {
    const statement = parseStatement(text);
    assert(statement.kind === 'explain', text);
    assert.equal(statement.statement.kind, kind, text);
  }
});

test('what is wrong is a syntax error at its place', () => {
  for (const text of [
    'DELETE t WHERE a = 1',
    'DELETE FROM t WHERE',
    'DELETE FROM t USING WHERE a = 1',
    'DELETE FROM t LIMIT 1',
    'DELETE FROM t ORDER BY a',
    'DELETE FROM t AS x WHERE x.a = 1',
    'UPDATE t',
    'UPDATE t SET',
    'UPDATE t SET a.b.c.d.e = 1',
    'UPDATE t SET a',
    'UPDATE t AS x SET a = 1',
    'UPDATE a, b SET a.x = 1 FROM c',
    'UPDATE a JOIN b ON a.x = b.x SET a.x = 1',
    'WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x',
    'WITH DELETE FROM t',
  ]) {
    assert.throws(
      () => parseStatement(text),
      (error) => error instanceof AppError && error.code === 'SQL_SYNTAX',
      text,
    );
  }
});

const cte = fc.record({
  pos: fc.constant(pos),
  name,
  columns: fc.oneof(fc.constant([]), names),
  query: trees.query,
});
const head = fc
  .record({ recursive: fc.boolean(), ctes: fc.array(cte, { maxLength: 1 }) })
  .map(({ recursive, ctes }) => ({ recursive: recursive && ctes.length > 0, ctes }));
const table = fc.record({
  pos: fc.constant(pos),
  catalog: fc.constant(null),
  database: fc.option(name),
  name,
});
const shared = {
  hints: fc.constantFrom([], ['SET_VAR(insert_timeout=1)']),
  table,
  where: fc.option(trees.expression),
  pos: fc.constant(pos),
};
const deletes = fc.record({
  ...shared,
  kind: fc.constant('delete'),
  partitions: fc.option(fc.record({ pos: fc.constant(pos), temporary: fc.boolean(), names })),
  using: fc.option(trees.relation),
});
const assignment = fc.record({
  pos: fc.constant(pos),
  qualifier: fc.array(name, { maxLength: 3 }),
  column: name,
  value: fc.oneof(
    { weight: 4, arbitrary: trees.expression },
    { weight: 1, arbitrary: fc.constant({ kind: 'default', pos }) },
  ),
});
const updates = fc.record({
  ...shared,
  kind: fc.constant('update'),
  assignments: fc.array(assignment, { minLength: 1, maxLength: 2 }),
  from: fc.option(trees.relation),
});

for (const [label, arbitrary] of Object.entries({ deletes, updates })) {
  test(`${label}: parse(print(tree)) is the tree`, () => {
    fc.assert(
      fc.property(head, arbitrary as fc.Arbitrary<object>, (start, rest) => {
        const tree = { ...rest, ...start };
        const printed = printStatement(tree as unknown as Statement);
        assert.deepEqual(
          withoutPositions(parseStatement(printed)),
          withoutPositions(tree),
          printed,
        );
      }),
      { numRuns: Number(process.env['FC_RUNS'] ?? 60) },
    );
  });
}
