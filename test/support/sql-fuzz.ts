// Test support: fuzzing of lexer, parser, printer, analyser and generator. Cases are valid statements of a
// corpus, mutated by token and by character, and trees of the grammar's own. Every case follows from a seed.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { AppError } from '../../src/base/errors.ts';
import { type Random, seededRandom } from '../../src/base/random.ts';
import { explainQuery } from '../../src/query/explain-query.ts';
import { planQuery } from '../../src/query/plan-query.ts';
import type { Statement } from '../../src/sql/ast/statement.ts';
import { parseStatement, splitStatements } from '../../src/sql/parse.ts';
import { printQuery } from '../../src/sql/print.ts';
import { printStatement } from '../../src/sql/print-statement.ts';
import { catalogOf, SESSION, storedTable } from '../unit/query/harness.ts';
import { trees } from '../unit/sql/arbitrary.ts';
import { withoutPositions } from '../unit/sql/tree.ts';
import { parseScript } from './sql-script.ts';
import { TPCDS_TABLES } from './tpcds-data.ts';
import { tpcdsQueries } from './tpcds-queries.ts';

/** Longest that one case may take: cost is linear in the text, and these are short. */
const MAX_CASE_MS = 5000;

const TYPES = {
  int: { kind: 'INT' },
  text: { kind: 'VARCHAR', length: 200 },
  date: { kind: 'DATE' },
  money: { kind: 'DECIMAL', precision: 7, scale: 2 },
} as const;

const CONTEXT = {
  catalog: catalogOf([
    ...TPCDS_TABLES.map(({ name, columns }) =>
      storedTable(name, Object.fromEntries(columns.map(([column, type]) => [column, TYPES[type]]))),
    ),
    storedTable('customers', { id: TYPES.int, name: TYPES.text, city: TYPES.text }),
    storedTable('orders', {
      id: TYPES.int,
      customer: TYPES.int,
      day: TYPES.date,
      amount: TYPES.money,
      state: TYPES.text,
    }),
    storedTable('t', {
      a: { kind: 'INT' },
      b: { kind: 'VARCHAR', length: 9 },
      c1: { kind: 'ARRAY', element: { kind: 'INT' } },
      x: { kind: 'JSON' },
    }),
  ]),
  session: SESSION,
  limits: { timeoutMs: 1000, maxRows: null },
};

/** Valid statements: every script's, TPC-DS, and some that try the lexer. */
export function fuzzCorpus(): readonly string[] {
  const scripts = globSync('test/sql/*.sqltest').flatMap((path) =>
    parseScript(readFileSync(path, 'utf8'))
      .filter(({ verb }) => verb === 'query' || verb.startsWith('statement'))
      .map(({ body }) => body.join('\n').replaceAll('fixture.', '')),
  );
  const lexer = [
    `SELECT 'it\\'s', "x""y", \`a\`\`b\`, X'CAFE', 0x1, 1.5e-3, .5 -- end\n FROM t # more\n /* c */ WHERE @@a = @b`,
    `SELECT array_map(x -> x + 1, c1), c1[1], x->'$.k', map{1:'a'}, CAST(a AS array<int>) FROM t`,
    `SELECT sum(a) OVER (PARTITION BY b ORDER BY a ROWS BETWEEN 1 PRECEDING AND UNBOUNDED FOLLOWING) FROM t QUALIFY 1`,
    `SELECT a FROM t GROUP BY GROUPING SETS ((a), ()) HAVING count(*) > 1 ORDER BY 1 DESC NULLS LAST LIMIT 5, 6`,
    `SELECT * FROM t PIVOT (sum(a) AS s FOR b IN ('x' AS y, 'z'))`,
  ];
  return [...scripts, ...tpcdsQueries().map(([, sql]) => sql), ...lexer];
}

const FRAGMENTS = [
  '(',
  ')',
  ',',
  ';',
  "'",
  '"',
  '`',
  '\\',
  '/*',
  '*/',
  '--',
  '#',
  '\0',
  '\uD800',
  '\u00a0',
  '￿',
  'SELECT',
  'FROM',
  'WHERE',
  'NOT',
  'CASE WHEN',
  'END',
  'NULL',
  '1e999',
  '99999999999999999999999999999999999999999',
  '@',
  '@@',
  '[',
  ']',
  '{',
  '->',
  '=>',
  ':=',
  'OVER (',
  'UNION ALL',
  'LATERAL',
  'INTERVAL 1 DAY',
  'EXISTS (',
  'WITH RECURSIVE x AS (',
  'PIVOT (',
  "X'0",
  '.',
  '*',
  '||',
  '<=>',
  'LIMIT 1',
  'count(*)',
  'GROUP BY 1',
];

const pick = <T>(random: Random, items: readonly T[]): T => {
  const item = items[random.below(items.length)];
  assert.ok(item !== undefined);
  return item;
};

/** Mostly one, at most four changes: parts deleted, doubled, swapped, replaced, pieces of another statement put in. */
function mutate(text: string, corpus: readonly string[], random: Random): string {
  let out = text;
  for (let left = 1 + random.below(2) * random.below(4); left > 0; left -= 1) {
    const tokens = out.split(/(\s+|[(),])/);
    const at = random.below(tokens.length);
    const other = pick(random, corpus);
    const kind = random.below(8);
    if (kind === 0) tokens.splice(at, 1 + random.below(3));
    else if (kind === 1) tokens.splice(at, 0, tokens[at] ?? '', ' ', tokens[at] ?? '');
    else if (kind === 2) tokens[at] = pick(random, FRAGMENTS);
    else if (kind === 3) tokens.splice(at, 0, ` ${pick(random, FRAGMENTS)} `);
    else if (kind === 4) tokens[at] = pick(random, other.split(/\s+/));
    else if (kind === 5) {
      const from = random.below(other.length);
      tokens.splice(at, 0, ` ${other.slice(from, from + 1 + random.below(60))} `);
    }
    out = tokens.join('');
    if (kind === 6) {
      const cut = random.below(out.length + 1);
      out = out.slice(0, cut) + String.fromCharCode(random.below(0x250)) + out.slice(cut + 1);
    } else if (kind === 7) {
      out = out.slice(0, random.below(out.length + 1));
    }
  }
  return out;
}

export interface FuzzCount {
  parsed: number;
  planned: number;
}

/** Runs `cases` cases; throws an AssertionError with the seed, the number and the text of the first that misbehaves. */
export function fuzzSql(seed: number, cases: number): FuzzCount {
  const random = seededRandom(seed);
  const corpus = fuzzCorpus();
  const queries = corpus.filter((text) => /^(select|with)/i.test(text));
  const count: FuzzCount = { parsed: 0, planned: 0 };
  const grown = fc
    .sample(trees.query, { seed, numRuns: Math.max(1, Math.ceil(cases / 20)) })
    .map(printQuery);
  for (let number = 0; number < cases; number += 1) {
    const base = pick(random, number % 10 === 0 ? grown : number % 2 === 0 ? corpus : queries);
    const text = number % 20 === 0 ? base : mutate(base, corpus, random);
    const startedMs = performance.now();
    try {
      tryCase(text, count);
    } catch (thrown) {
      assert.fail(`seed ${seed}, case ${number}: ${String(thrown)}\n${stackOf(thrown)}\n${text}`);
    }
    const tookMs = performance.now() - startedMs;
    assert.ok(tookMs < MAX_CASE_MS, `seed ${seed}, case ${number} took ${tookMs} ms\n${text}`);
  }
  return count;
}

const stackOf = (thrown: unknown): string => (thrown instanceof Error ? (thrown.stack ?? '') : '');

/** undefined when it failed with an error that a user may see. */
function orUserError<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.kind === 'user') return undefined;
    throw thrown;
  }
}

function tryCase(text: string, count: FuzzCount): void {
  const ranges = orUserError(() => splitStatements(text));
  for (const range of ranges ?? []) {
    assert.equal(text.slice(range.start, range.end), range.text);
  }
  const statement = orUserError(() => parseStatement(text));
  if (statement === undefined) return;
  count.parsed += 1;
  checkPrinted(statement);
  const query = 'query' in statement ? statement.query : statement;
  if (query === null || typeof query !== 'object' || !('kind' in query) || query.kind !== 'query') {
    return;
  }
  const plan = orUserError(() => planQuery(query, text, CONTEXT));
  if (plan === undefined) return;
  count.planned += 1;
  explainQuery(query, text, CONTEXT, 'VERBOSE');
}

/** What was parsed prints to a text with the same tree. */
function checkPrinted(statement: Statement): void {
  const printed = printStatement(statement);
  const again = orUserError(() => parseStatement(printed));
  assert.ok(again !== undefined, `the printed text does not parse: ${printed}`);
  assert.deepEqual(withoutPositions(again), withoutPositions(statement), printed);
}
