// Tables as they were: versions and times, what is deleted of files, clocks that jump, and what is no longer kept.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { present } from '../../../src/base/assert.ts';
import { AppError } from '../../../src/base/errors.ts';
import type { TablePoint } from '../../../src/model/table-point.ts';
import {
  carryOn,
  type Fixture,
  grant,
  openFixture,
  progressOf,
  stage,
} from '../../support/catalog-fixture.ts';

const HOUR = 3_600_000;

const fails =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof AppError && error.code === code;

/** Commits of 1, 2, 3, ... rows, an hour apart: version 2 holds 1 row, version 3 holds 3, version 4 holds 6. */
async function load(fixture: Fixture, commits: number): Promise<readonly number[]> {
  const lease = await grant(fixture, 't1');
  const times: number[] = [];
  let offset = 0n;
  for (let rows = 1; rows <= commits; rows += 1) {
    fixture.clock.shiftMs += HOUR;
    const request = await stage(fixture, lease, [progressOf(offset, { loaded: rows })]);
    await fixture.committer.commit(request, carryOn);
    offset += BigInt(rows);
    times.push(fixture.clock.nowMs());
  }
  return times;
}

async function rowsAt(fixture: Fixture, at: TablePoint | undefined): Promise<number> {
  const { databaseName, name: tableName } = fixture.table;
  const ref = { databaseName, tableName, ...(at === undefined ? {} : { at }) };
  const { tables } = await fixture.catalog.snapshot([ref]);
  const files = present(tables[0], 'the table').files;
  return files.reduce((sum, file) => sum + file.rowCount - file.deletedRows, 0);
}

const version = (point: number): TablePoint => ({ unit: 'VERSION', point });
const time = (point: number): TablePoint => ({ unit: 'TIMESTAMP', point });

test('a version, and a time between two commits, give the rows of then', async (t) => {
  const fixture = await openFixture(t);
  const [first = 0, second = 0] = await load(fixture, 3);
  assert.deepEqual(
    await Promise.all([1, 2, 3, 4].map((point) => rowsAt(fixture, version(point)))),
    [0, 1, 3, 6],
  );
  assert.equal(await rowsAt(fixture, undefined), 6);
  assert.equal(await rowsAt(fixture, time(first - HOUR / 2)), 0);
  assert.equal(await rowsAt(fixture, time(first + HOUR / 2)), 1);
  assert.equal(await rowsAt(fixture, time(second + HOUR / 2)), 3);
  assert.equal(await rowsAt(fixture, time(fixture.clock.nowMs() + 100 * HOUR)), 6);
  await assert.rejects(rowsAt(fixture, version(5)), fails('UNKNOWN_VERSION'));
  await assert.rejects(rowsAt(fixture, time(first - 9 * HOUR)), fails('NO_VERSION_THEN'));
});

test('one statement reads several versions of a table from one metadata read', async (t) => {
  const fixture = await openFixture(t);
  await load(fixture, 2);
  const { databaseName, name: tableName } = fixture.table;
  const ref = { databaseName, tableName };
  const { tables, volumes } = await fixture.catalog.snapshot([
    ref,
    { ...ref, at: version(2) },
    { ...ref, at: version(1) },
    { databaseName, tableName: 'none', at: version(1) },
  ]);
  assert.deepEqual(
    tables.map((entry) => entry && [entry.version, entry.files.length]),
    [[3, 2], [2, 1], [1, 0], null],
  );
  assert.equal(volumes.length, 1);
});

test('a clock that was set back hides no version and puts none in between', async (t) => {
  const fixture = await openFixture(t);
  const [, second = 0] = await load(fixture, 2);
  // A restart with a clock that is behind: within a process the catalog's own never steps back.
  fixture.clock.shiftMs -= 1.5 * HOUR;
  await fixture.reopen();
  const lease = await grant(fixture, 't2');
  const request = await stage(fixture, lease, [progressOf(3n, { loaded: 4 })]);
  await fixture.committer.commit(request, carryOn);
  const third = fixture.clock.nowMs();
  assert.ok(third < second);
  // Version 4 carries an earlier time than version 3: it was never current before version 3 was.
  assert.equal(await rowsAt(fixture, time(third)), 0);
  assert.equal(await rowsAt(fixture, time(second - HOUR / 2)), 1);
  assert.equal(await rowsAt(fixture, time(second)), 7);
  assert.equal(await rowsAt(fixture, version(3)), 3);
});

test('the versions that can be read are listed with what the table held', async (t) => {
  const fixture = await openFixture(t);
  await load(fixture, 2);
  await fixture.committer.truncate(fixture.table.id);
  const listed = await fixture.catalog.versions.list(fixture.table, 10);
  assert.deepEqual(
    listed.map(({ version: number, source, files, rows }) => [number, source, files, rows]),
    [
      [4, 'TRUNCATE', 0, 0],
      [3, 'ROUTINE_LOAD_TASK', 2, 3],
      [2, 'ROUTINE_LOAD_TASK', 1, 1],
      [1, 'CREATE', 0, 0],
    ],
  );
  assert.equal((await fixture.catalog.versions.list(fixture.table, 2)).length, 2);
});
