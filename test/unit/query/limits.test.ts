// Shapes that the engine would plan for ever are refused; what is just below the limits still runs soon.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Bench, errorOf, plan } from './harness.ts';

let bench: Bench;
before(async () => {
  bench = await Bench.open();
  await bench.table('t', { a: { kind: 'INT' } }, '(1)');
});
after(() => bench.close());

const joins = (count: number): string =>
  `SELECT count(*) FROM t t0${Array.from({ length: count - 1 }, (_, i) => ` JOIN t t${i + 1} ON t${i}.a = t${i + 1}.a`).join('')}`;
const error = (sql: string): string => errorOf(() => plan(sql, bench.tables));
const nest = (open: string, depth: number, inside: string, close: string): string =>
  open.repeat(depth) + inside + close.repeat(depth);

test('subqueries in expressions', async () => {
  assert.deepEqual(await bench.run(`SELECT ${nest('(SELECT ', 12, '1', ')')}`), [['1']]);
  assert.match(
    error(`SELECT ${nest('(SELECT ', 13, '1', ')')}`),
    /subqueries inside expressions is 13/,
  );
  const exists = nest('EXISTS (SELECT 1 FROM t WHERE ', 13, 'a = 1', ')');
  assert.match(error(`SELECT 1 FROM t WHERE ${exists}`), /subqueries inside expressions is 13/);
  const list = nest('a IN (SELECT a FROM t WHERE ', 13, 'a = 1', ')');
  assert.match(error(`SELECT 1 FROM t WHERE ${list}`), /subqueries inside expressions is 13/);
});

test('lambdas', async () => {
  assert.deepEqual(await bench.run(`SELECT ${nest('array_map(x -> ', 6, '1', ', [1])')}`), [
    ['[[[[[[1]]]]]]'],
  ]);
  assert.match(error(`SELECT ${nest('array_map(x -> ', 9, '1', ', [1])')}`), /lambdas is 9/);
});

test('tables joined with each other, also through plain subqueries and WITH', async () => {
  assert.deepEqual(await bench.run(joins(40)), [['1']]);
  assert.match(error(joins(101)), /tables joined with each other is 101/);
  const half = Array.from({ length: 60 }, (_, i) => `t x${i}`).join(', ');
  const wide = `(SELECT x0.a FROM ${half})`;
  assert.match(error(`SELECT 1 FROM ${wide} p, ${wide} q`), /joined with each other is 120/);
  assert.match(error(`WITH w AS ${wide} SELECT 1 FROM w p, w q`), /joined with each other is 120/);
  // What is grouped or cut is a table of its own.
  const counted = `(SELECT count(*) AS n FROM ${half})`;
  assert.equal(error(`SELECT 1 FROM ${counted} p, ${counted} q`), 'no error');
});

test('types', async () => {
  assert.deepEqual(await bench.run(`SELECT ${nest('[', 6, '1', ']')}`), [['[[[[[[1]]]]]]']]);
  assert.match(
    error(`SELECT array_length(${nest('[', 16, '1', ']')})`),
    /nesting depth of the type is 16/,
  );
  assert.match(error(`SELECT ${nest('[', 9, '1', ']')}`), /nesting depth of the type is 9/);
  assert.deepEqual(await bench.run(`SELECT array_length(${nest('[', 15, '1', ']')})`), [['1']]);
  assert.match(error(`SELECT CAST(NULL AS ${nest('array<', 16, 'int', '>')})`), /type is 16/);
});
