// TPC-DS's 99 queries: our generated SQL and DuckDB's own reading of the same text must give the same rows
// on generated data, on which each of them finds some. No query is left out.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { SqlType } from '../../../src/model/sql-type.ts';
import { TPCDS_TABLES, type TpcdsColumnType } from '../../support/tpcds-data.ts';
import { tpcdsQueries } from '../../support/tpcds-queries.ts';
import { Bench } from './harness.ts';

const TYPES: Readonly<Record<TpcdsColumnType, SqlType>> = {
  int: { kind: 'INT' },
  text: { kind: 'VARCHAR', length: 200 },
  date: { kind: 'DATE' },
  money: { kind: 'DECIMAL', precision: 7, scale: 2 },
};

let bench: Bench;
before(async () => {
  bench = await Bench.open();
  // NULLs where StarRocks puts them.
  await bench.connection.run(`SET default_null_order = 'nulls_first_on_asc_last_on_desc'`);
  for (const { name, columns, from } of TPCDS_TABLES) {
    const typed = columns.map(([column, type]) => [column, TYPES[type]] as const);
    await bench.table(name, Object.fromEntries(typed), '');
    const values = columns.map(([, , sql]) => sql).join(', ');
    await bench.connection.run(`INSERT INTO ${name} SELECT ${values} FROM ${from}`);
  }
});
after(() => bench.close());

type Cell = string | null;

/** Numbers agree to a millionth: quotients are DECIMAL in StarRocks and DOUBLE in DuckDB. */
function near(ours: Cell, theirs: Cell): boolean {
  if (ours === theirs) return true;
  if (ours === null || theirs === null) return false;
  const [a, b] = [Number(ours), Number(theirs)];
  return Math.abs(a - b) <= 1e-6 * Math.max(1, Math.abs(a), Math.abs(b));
}

const isNumber = (cell: Cell): boolean =>
  cell !== null && /^-?\d/.test(cell) && !/-\d\d-/.test(cell);

/** Rows with the same texts, whose numbers are then matched one to one. */
function byText(rows: readonly (readonly Cell[])[]): Map<string, (readonly Cell[])[]> {
  const groups = new Map<string, (readonly Cell[])[]>();
  for (const row of rows) {
    const key = JSON.stringify(row.map((cell) => (isNumber(cell) ? 0 : cell)));
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return groups;
}

function assertSameRows(
  ours: readonly (readonly Cell[])[],
  theirs: readonly (readonly Cell[])[],
): void {
  assert.equal(ours.length, theirs.length);
  const wanted = byText(theirs);
  for (const [key, rows] of byText(ours)) {
    const candidates = wanted.get(key) ?? [];
    for (const row of rows) {
      const at = candidates.findIndex((other) =>
        row.every((cell, i) => near(cell, other[i] ?? null)),
      );
      assert.ok(
        at >= 0,
        `no such row: ${JSON.stringify(row)}, but ${JSON.stringify(candidates[0])}`,
      );
      candidates.splice(at, 1);
    }
  }
}

/** Rows that tie at the limit may differ, so that the last LIMIT is left out for the comparison. */
const unlimited = (sql: string): string => sql.replace(/\s+LIMIT 100$/, '');

for (const [number, sql] of tpcdsQueries()) {
  test(`query ${number}`, async () => {
    const whole = unlimited(sql);
    const ours = await bench.run(whole);
    const answer = await bench.connection.runAndReadAll(whole);
    const theirs = answer.getRows().map((row) => row.map((v) => (v === null ? null : String(v))));
    assertSameRows(ours, theirs);
    assert.ok(ours.length > 0, 'the query finds rows');
    assert.ok(ours.some((row) => row.some((cell) => cell !== null && cell !== '0')));
    if (ours.length > 100 && whole !== sql) assert.equal((await bench.run(sql)).length, 100);
  });
}

test('all 99 are here', () => assert.equal(tpcdsQueries().length, 99));
