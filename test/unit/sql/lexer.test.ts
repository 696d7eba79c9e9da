import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lexStatement } from '../../../src/sql/lexer.ts';
import { parseStatements, splitStatements } from '../../../src/sql/parse.ts';

const lex = (text: string): string[] =>
  lexStatement(text, 0, true)
    .tokens.slice(0, -1)
    .map(({ type, text: value }) => `${type}:${value}`);

const CASES: readonly (readonly [string, readonly string[]])[] = [
  ['select a', ['word:select', 'word:a']],
  ['`a``b` `é`', ['quoted:a`b', 'quoted:é']],
  ['größe $x _y x1', ['word:größe', 'word:$x', 'word:_y', 'word:x1']],
  [
    '1 1.5 .5 1. 1e5 1.5E-3 .5e+2',
    [
      'integer:1',
      'decimal:1.5',
      'decimal:.5',
      'decimal:1.',
      'float:1e5',
      'float:1.5E-3',
      'float:.5e+2',
    ],
  ],
  ['2024_logs 1e 1e5x 0x1F', ['word:2024_logs', 'word:1e', 'word:1e5x', 'word:0x1F']],
  ['db.5abc db.5', ['word:db', 'symbol:.', 'word:5abc', 'word:db', 'decimal:.5']],
  ["'a''b' \"a\"\"b\" 'a\"b'", ["string:a'b", 'string:a"b', 'string:a"b']],
  ["'\\n\\t\\\\\\'\\\"\\0\\Z\\q\\%\\_'", ['string:\n\t\\\'"\0\x1aq\\%\\_']],
  ['"[\\"$.uid\\",\\"$.site\\"]"', ['string:["$.uid","$.site"]']],
  ['x\'ca\' X"FE" x', ['binary:CA', 'binary:FE', 'word:x']],
  ['a--b\nc # d\n/* e */f', ['word:a', 'word:c', 'word:f']],
  [
    'a<=>b<=c<>d!=e>=f<g>>h<<i',
    [
      'word:a',
      'symbol:<=>',
      'word:b',
      'symbol:<=',
      'word:c',
      'symbol:<>',
      'word:d',
      'symbol:!=',
      'word:e',
      'symbol:>=',
      'word:f',
      'symbol:<',
      'word:g',
      'symbol:>',
      'symbol:>',
      'word:h',
      'symbol:<<',
      'word:i',
    ],
  ],
  [
    'a||b&&c!d->e:=f=>g',
    [
      'word:a',
      'symbol:||',
      'word:b',
      'symbol:&&',
      'word:c',
      'symbol:!',
      'word:d',
      'symbol:->',
      'word:e',
      'symbol:=',
      'word:f',
      'symbol:=>',
      'word:g',
    ].map((t) => (t === 'symbol:=' ? 'symbol::=' : t)),
  ],
  [
    '@a @@b.c ?',
    ['symbol:@', 'word:a', 'symbol:@', 'symbol:@', 'word:b', 'symbol:.', 'word:c', 'symbol:?'],
  ],
  ['\u3000a\u00a0b\ufeff', ['word:a', 'word:b']],
];

for (const [text, expected] of CASES) {
  test(`tokens of ${JSON.stringify(text)}`, () => assert.deepEqual(lex(text), expected));
}

test('positions count lines from 1, columns from 0, through multi-line tokens', () => {
  const { tokens } = lexStatement("a\n  'x\ny' b /* \n */ c", 0, true);
  assert.deepEqual(
    tokens.map(({ pos }) => [pos.start, pos.line, pos.column]),
    [
      [0, 1, 0],
      [4, 2, 2],
      [10, 3, 3],
      [20, 4, 4],
      [21, 4, 5],
    ],
  );
});

test('hints are kept beside the token that follows them', () => {
  const { hints, tokens } = lexStatement('select /*+ SET_VAR(a=1) */ /*+b*/ x', 0, true);
  assert.equal(tokens[1]?.text, 'x');
  assert.deepEqual([...hints], [[1, ['SET_VAR(a=1)', 'b']]]);
});

for (const text of ["'abc", '"abc\\"', '`abc', '/* abc', "x'12", "x'1'", "x'zz'"]) {
  test(`unterminated or malformed ${text} is a syntax error at its start`, () => {
    assert.throws(() => lexStatement(`a\n ${text}`, 0, true), {
      code: 'SQL_SYNTAX',
      message: /^Getting syntax error at line 2, column 1\. Detail message: /,
    });
  });
}

test('statements are split at semicolons outside strings and comments', () => {
  const text = "select ';' -- ;\n;;\n  /* ; */ select `;`;  # end ;\n";
  assert.deepEqual(
    splitStatements(text).map((range) => range.text),
    ["select ';' -- ;\n", 'select `;`'],
  );
  for (const range of splitStatements(text)) {
    assert.equal(text.slice(range.start, range.end), range.text);
  }
});

test('empty texts have no statements', () => {
  for (const text of ['', ' \n', ';', ' ; ;; ', '-- x', '/* x */;']) {
    assert.deepEqual(splitStatements(text), [], JSON.stringify(text));
  }
});

test('positions of a later statement count from its own start', () => {
  const parsed = parseStatements('select 1;\n  show tabels;'.replace('tabels', 'tables'));
  assert.deepEqual(
    parsed.map(({ start, statement }) => [start, statement.kind, statement.pos.start]),
    [
      [0, 'query', 0],
      [12, 'show_tables', 0],
    ],
  );
});
