// What is printed parses to the same tree: for random expressions, queries and statements.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseExpression, parseStatement } from '../../../src/sql/parse.ts';
import { printExpression, printQuery } from '../../../src/sql/print.ts';
import { trees } from './arbitrary.ts';
import { withoutPositions } from './tree.ts';

test('expressions: parse(print(tree)) is the tree', () => {
  fc.assert(
    fc.property(trees.expression, (tree) => {
      const printed = printExpression(tree);
      assert.deepEqual(withoutPositions(parseExpression(printed)), withoutPositions(tree), printed);
    }),
    { numRuns: Number(process.env['FC_RUNS'] ?? 1000) },
  );
});

test('queries: parse(print(tree)) is the tree', () => {
  fc.assert(
    fc.property(trees.query, (tree) => {
      const printed = printQuery(tree);
      assert.deepEqual(withoutPositions(parseStatement(printed)), withoutPositions(tree), printed);
    }),
    { numRuns: Number(process.env['FC_RUNS'] ?? 150) },
  );
});

test('any text either parses or fails with a user error, and splitting never loses text', () => {
  const word = fc.constantFrom(
    'select',
    'from',
    'where',
    '(',
    ')',
    ',',
    'a',
    "'x'",
    '1',
    'and',
    'not',
    'in',
    'between',
    '=',
    '-',
    '.',
    '*',
    'case',
    'when',
    'end',
    'create',
    'table',
    'routine',
    'load',
    'show',
    'properties',
    '[',
    ']',
    '->',
    'map',
    '<',
    'over',
    'interval',
    'union',
    'order',
    'by',
    'limit',
    '@',
    ';',
    '\\',
    'set',
    'array',
    '{',
    '}',
    '"',
    '`',
    '/*',
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 25 }), (words) => {
      try {
        parseStatement(words.join(' '));
      } catch (thrown) {
        const code = (thrown as { code?: unknown }).code;
        assert.ok(
          code === 'SQL_SYNTAX' ||
            code === 'NOT_SUPPORTED' ||
            code === 'STATEMENT_NOT_YET' ||
            code === 'STATEMENT_OUT_OF_SCOPE' ||
            code === 'SQL_ANALYZE',
          String(thrown),
        );
      }
    }),
    { numRuns: Number(process.env['FC_RUNS'] ?? 2000) },
  );
});
