// What AS OF comes to, and how long statements may read what is kept.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from '../../../src/config/load.ts';
import type { UserValue } from '../../../src/query/catalog.ts';
import { epochOfLocal } from '../../../src/query/time-zone.ts';
import type { Query } from '../../../src/sql/ast/query.ts';
import { parseStatement } from '../../../src/sql/parse.ts';
import { longestQueryMs, pointOf, withPoints } from '../../../src/statements/time-travel.ts';

const HOUR = 3_600_000;
const textValue = (text: string | null): UserValue => ({
  type: { kind: 'VARCHAR', length: 99 },
  text,
});

test('points: versions and times, and what is neither', async () => {
  const expression = { kind: 'null', pos: { start: 0, line: 1, column: 1 } } as never;
  const point = async (unit: 'VERSION' | 'TIMESTAMP', text: string | null, zone = 'UTC') =>
    (await pointOf({ unit, expression }, async () => textValue(text), zone)).point;
  assert.equal(await point('VERSION', '12'), 12);
  for (const wrong of [null, '', '0', '-1', '1.5', 'x', '9'.repeat(16)]) {
    await assert.rejects(point('VERSION', wrong), /VERSION AS OF needs a version of the table/);
  }
  assert.equal(
    await point('TIMESTAMP', '2025-01-31 13:00:00.1239'),
    Date.UTC(2025, 0, 31, 13, 0, 0, 123),
  );
  assert.equal(await point('TIMESTAMP', '2025-01-31', '+08:00'), Date.UTC(2025, 0, 30, 16));
  for (const wrong of [null, '', '12', '2025-02-30', 'now']) {
    await assert.rejects(point('TIMESTAMP', wrong), /TIMESTAMP AS OF needs a time/);
  }
});

test('local times of zones with summer time', () => {
  const at = (text: string) => epochOfLocal(`${text}.000000`, 'Europe/Berlin');
  assert.equal(at('2025-07-01 12:00:00'), Date.UTC(2025, 6, 1, 10));
  assert.equal(at('2025-01-01 12:00:00'), Date.UTC(2025, 0, 1, 11));
  // There is 02:30 twice: the first of both. And not at all: the moment after the change.
  assert.equal(at('2025-10-26 02:30:00'), Date.UTC(2025, 9, 26, 0, 30));
  assert.equal(at('2025-03-30 02:30:00'), Date.UTC(2025, 2, 30, 1, 30));
});

test('every reference of a query gets its point once, wherever it stands', async () => {
  const sql = `WITH w AS (SELECT * FROM a FOR VERSION AS OF 1) SELECT (SELECT max(x) FROM b VERSION AS OF 2)
    FROM w JOIN a FOR VERSION AS OF 3 ON true WHERE EXISTS (SELECT 1 FROM c)`;
  let asked = 0;
  const found = await withPoints(
    parseStatement(sql) as Query,
    async (expression) => {
      asked += 1;
      assert.ok(expression.kind === 'integer');
      return textValue(expression.text);
    },
    'UTC',
  );
  assert.equal(asked, 3);
  const points = [...JSON.stringify(found).matchAll(/"point":(\d)/g)].map((match) => match[1]);
  assert.deepEqual(points.toSorted(), ['1', '2', '3']);
  const plain = parseStatement('SELECT * FROM a') as Query;
  assert.equal(await withPoints(plain, async () => textValue(null), 'UTC'), plain);
});

test('a statement may run for as long as what it reads is kept', () => {
  const config = loadConfig([]);
  const table = (seconds: number | null, travels = false) => ({
    info: { properties: seconds === null ? {} : { version_retention_second: String(seconds) } },
    travels,
  });
  assert.equal(longestQueryMs([table(null)], config), 24 * HOUR);
  assert.equal(longestQueryMs([table(null), table(7200)], config), 2 * HOUR);
  assert.equal(longestQueryMs([table(0)], config), 300_000);
  assert.equal(longestQueryMs([table(null), table(null, true)], config), 300_000);
  assert.equal(longestQueryMs([], config), 24 * HOUR);
});
