// check-sql: verdicts with lines, over a small text and over the corpus of the SQL scripts.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkFile, checkText, exitCodeOf, printReport } from '../../../src/cli/check-sql.ts';
import { parseScript } from '../../support/sql-script.ts';

const TEXT = `-- a comment; with a semicolon
SELECT count(*) FROM t;

CREATE EXTERNAL TABLE p (k INT NOT NULL);
SELECT nosuch_fn(a),
  lenght(b) FROM t; /* more */ SET query_timeout = 5;
CREATE MATERIALIZED VIEW mv AS SELECT 1;
LOAD LABEL d.l (DATA INFILE("s3://x") INTO TABLE t) WITH BROKER;
CREATE TABLE d (k INT);
SET nosuch = 1;
SELEC 1;
`;

test('each statement has its line, its verdict and what is missing', () => {
  const checked = checkText(TEXT);
  assert.deepEqual(
    checked.map(({ line, verdict }) => [line, verdict]),
    [
      [2, 'works'],
      [4, 'missing'],
      [5, 'missing'],
      [6, 'works'],
      [7, 'missing'],
      [8, 'missing'],
      [9, 'differs'],
      [10, 'missing'],
      [11, 'error'],
    ],
  );
  const messages = checked.map((entry) => entry.messages.join('\n'));
  assert.match(messages[1] ?? '', /external tables are not supported yet/);
  assert.match(messages[2] ?? '', /function nosuch_fn is missing.*\n.*lenght is missing.*length/);
  assert.match(messages[4] ?? '', /out of scope of Millrace.*use CREATE VIEW/);
  assert.match(messages[5] ?? '', /not supported yet.*CREATE ROUTINE LOAD/);
  assert.match(messages[7] ?? '', /Unknown system variable 'nosuch'/);
  assert.match(messages[8] ?? '', /Unexpected input 'SELEC'/);
  assert.equal(exitCodeOf(checked), 1);
  assert.equal(exitCodeOf(checkText('SELECT 1; BEGIN')), 0);
});

test('variables and values of hints are looked at, wherever a hint may be', () => {
  const verdicts = (text: string): readonly (readonly [string, string])[] =>
    checkText(text).map(({ verdict, messages }) => [verdict, messages.join('; ')]);
  assert.deepEqual(
    verdicts(`SELECT /*+ SET_VAR(query_timeout = 5) */ 1;
      SELECT /*+ BROADCAST(a) */ 1;
      SELECT /*+ SET_VAR(query_timeout = sleep(1)) */ 1;
      SELECT /*+ SET_USER_VARIABLE(@a = 1) */ @a;`).map(([verdict]) => verdict),
    ['works', 'works', 'works', 'works'],
  );
  const refused = verdicts(`SELECT /*+ SET_VAR(nosuch = 1) */ 1;
    SELECT /*+ SET_VAR(query_timeout = 'soon') */ 1;
    SELECT /*+ SET_VAR(version = 'x') */ 1;
    INSERT /*+ SET_VAR(nosuch2 = 1) */ INTO t VALUES (1);
    EXPLAIN SELECT /*+ SET_VAR(nosuch3 = 1) */ 1;
    SUBMIT /*+ SET_VAR(nosuch4 = 1) */ TASK AS INSERT INTO t VALUES (1);
    SELECT /*+ SET_VAR( */ 1;`);
  const expected = [
    /nosuch/,
    /'query_timeout' can't be set to the value of 'soon'/,
    /'version' is a read only variable/,
    /nosuch2/,
    /nosuch3/,
    /nosuch4/,
    /input/,
  ];
  for (const [index, [verdict, message]] of refused.entries()) {
    assert.equal(verdict, 'missing');
    assert.match(message, expected[index] ?? /^$/);
  }
});

test('INSERT OVERWRITE and INSERT into partitions work, also in a task', () => {
  for (const text of [
    'INSERT OVERWRITE t SELECT 1',
    'INSERT INTO t PARTITION (p) SELECT 1',
    'SUBMIT TASK AS INSERT OVERWRITE t PARTITION (p) SELECT 1',
    'EXPLAIN INSERT OVERWRITE t PARTITION (p) SELECT 1',
  ]) {
    const [checked] = checkText(text);
    assert.notEqual(checked?.verdict, 'missing', text);
  }
});

test('the report names what needs attention, and sums up', () => {
  const report = printReport('f.sql', checkText(TEXT), 'text', false);
  assert.match(report, /^f\.sql:4: missing: CREATE EXTERNAL TABLE p /);
  assert.doesNotMatch(report, /count\(\*\)/);
  assert.match(report, /9 statements: 2 work, 1 differ, 5 missing, 1 with syntax errors$/);
  assert.match(
    printReport('f.sql', checkText(TEXT), 'text', true),
    /f\.sql:2: works: SELECT count/,
  );
  const json = JSON.parse(printReport('f.sql', checkText('SELECT 1'), 'json', false)) as unknown;
  assert.deepEqual(json, [{ line: 1, statement: 'SELECT 1', verdict: 'works', messages: [] }]);
});

test('a file that is not there is one clear error', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-check-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  writeFileSync(join(directory, 'a.sql'), 'SELECT 1;\nSELECT 2;\n');
  assert.equal(checkFile(join(directory, 'a.sql')).length, 2);
  assert.throws(() => checkFile(join(directory, 'b.sql')), { code: 'CONFIG_INVALID' });
});

test('what the SQL scripts run works or differs', () => {
  const names = [
    'select',
    'session',
    'query-forms',
    'show-objects',
    'show-server',
    'tasks',
    'variables',
  ];
  for (const name of names) {
    for (const block of parseScript(readFileSync(`test/sql/${name}.sqltest`, 'utf8'))) {
      if (block.verb !== 'query' && block.verb !== 'statement ok') continue;
      const text = block.body.join('\n').replaceAll(/\$\{\w+\}/g, 'x');
      for (const checked of checkText(text)) {
        const shown = `${name}:${block.line} ${checked.messages.join(' ')}`;
        assert.ok(checked.verdict === 'works' || checked.verdict === 'differs', shown);
      }
    }
  }
});
