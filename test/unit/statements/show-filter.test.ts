import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseExpression } from '../../../src/sql/parse.ts';
import { filterRows, likeMatcher } from '../../../src/statements/show-filter.ts';

test('LIKE: wildcards, escapes, any case, the whole text', () => {
  const cases: readonly [string, string, boolean][] = [
    ['%', '', true],
    ['', '', true],
    ['', 'a', false],
    ['abc', 'ABC', true],
    ['a%', 'abc', true],
    ['%c', 'abc', true],
    ['%b%', 'abc', true],
    ['a_c', 'abc', true],
    ['a_c', 'ac', false],
    ['a\\_c', 'abc', false],
    ['a\\_c', 'a_c', true],
    ['100\\%', '100%', true],
    ['a.c', 'abc', false],
    ['%a%b', 'aabab', true],
    ['_', '😀', true],
    ['a%', 'a\nb', true],
    ['\\', '\\', true],
  ];
  for (const [pattern, text, expected] of cases) {
    assert.equal(likeMatcher(pattern)(text), expected, `${text} LIKE ${pattern}`);
  }
});

test('LIKE agrees with a plain recursive reading', () => {
  const slow = (pattern: string, text: string): boolean => {
    if (pattern === '') return text === '';
    const [first, ...rest] = pattern;
    const tail = rest.join('');
    if (first === '%') return slow(tail, text) || (text !== '' && slow(pattern, text.slice(1)));
    return text !== '' && (first === '_' || first === text[0]) && slow(tail, text.slice(1));
  };
  const letters = (alphabet: string, maxLength: number) =>
    fc.array(fc.constantFrom(...alphabet), { maxLength }).map((parts) => parts.join(''));
  fc.assert(
    fc.property(letters('ab%_', 8), letters('ab', 10), (pattern, text) => {
      assert.equal(likeMatcher(pattern)(text), slow(pattern, text));
    }),
  );
});

test('LIKE with many wildcards takes no time', () => {
  const startedMs = performance.now();
  assert.equal(likeMatcher(`${'%a'.repeat(500)}%b`)('a'.repeat(1024)), false);
  assert.ok(performance.now() - startedMs < 500);
});

const NAMES = ['Name', 'State', 'PauseTime'];
const ROWS = [
  ['a', 'RUNNING', null],
  ['b', 'PAUSED', '2024-01-01 00:00:00'],
  ['c', 'STOPPED', null],
];
const names = (condition: string): string => {
  const where = parseExpression(condition);
  return filterRows(NAMES, ROWS, { like: null, where })
    .map((row) => row[0])
    .join('');
};

test('WHERE: what SHOW understands, with NULL as SQL has it', () => {
  const cases: readonly [string, string][] = [
    ['name = "A"', 'a'],
    ['NAME <> "a"', 'bc'],
    ['State IN ("running", "paused")', 'ab'],
    ['State NOT IN ("running", "paused")', 'c'],
    ['State LIKE "%ED"', 'bc'],
    ['State NOT LIKE "%ED"', 'a'],
    ['name = "a" OR state = "STOPPED"', 'ac'],
    ['NOT (name = "a") AND NOT state = "STOPPED"', 'b'],
    ['PauseTime = "2024-01-01 00:00:00"', 'b'],
    ['PauseTime <> "x"', 'b'],
    ['NOT PauseTime = "x"', 'b'],
    ['PauseTime NOT IN ("x")', 'b'],
    ['PauseTime = "x" OR name = "a"', 'a'],
    ['name > "a"', 'bc'],
    ['name <= "b"', 'ab'],
    ['PauseTime < "2025"', 'b'],
    ['name BETWEEN "b" AND "z"', 'bc'],
    ['name NOT BETWEEN "b" AND "z"', 'a'],
    ['PauseTime IS NULL', 'ac'],
    ['PauseTime IS NOT NULL', 'b'],
  ];
  for (const [condition, expected] of cases) assert.equal(names(condition), expected, condition);
});

test('WHERE: what it does not understand is said, also where there is no row', () => {
  assert.throws(
    () => names('nosuch = 1'),
    /'nosuch' cannot be resolved; columns here: name, state/,
  );
  assert.throws(() => names('name <=> "a"'), /'<=>' is not possible in WHERE of SHOW/);
  assert.throws(() => names('upper(name) = "A"'), /is not possible in WHERE of SHOW/);
  assert.throws(() => names('name REGEXP "a"'), /is not possible in WHERE of SHOW/);
  const where = parseExpression('nosuch = 1');
  assert.throws(() => filterRows(NAMES, [], { like: null, where }), /cannot be resolved/);
});
