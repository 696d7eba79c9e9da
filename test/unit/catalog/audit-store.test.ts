// A table's metadata agrees with itself after every kind of change, and where it does not, that is said.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { carryOn, grant, openFixture, progressOf, stage } from '../../support/catalog-fixture.ts';

test('what does not agree is named', async (t) => {
  const fixture = await openFixture(t);
  const { table, rejected } = fixture;
  const lease = await grant(fixture, 't1');
  for (const from of [0n, 6n]) {
    const request = await stage(fixture, lease, [progressOf(from, { loaded: 5, filtered: 1 })]);
    await fixture.committer.commit(request, carryOn);
  }
  await fixture.committer.truncate(table.id);
  await fixture.committer.rollback(table.id, { unit: 'VERSION', point: 2 });
  for (const { id } of [table, rejected]) {
    const audit = await fixture.catalog.audit.table(id);
    assert.deepEqual(audit.problems, []);
  }
  // Two of the versions before, and the copy that the rollback made.
  assert.equal((await fixture.catalog.audit.table(table.id)).objects.length, 3);
  await fixture.catalog.close();
  const metadata = new DatabaseSync(join(fixture.dataDir, 'metadata.db'));
  metadata.exec(`UPDATE tables SET live_rows = 7 WHERE id = ${table.id}`);
  metadata.exec(`UPDATE files SET transaction_id = 99 WHERE table_id = ${rejected.id}`);
  metadata.exec(
    `UPDATE files SET added_version = 50 WHERE table_id = ${table.id} AND removed_version IS NULL`,
  );
  metadata.close();
  await fixture.reopen();
  const wrong = await fixture.catalog.audit.table(table.id);
  assert.match(wrong.problems[0] ?? '', /^the table counts 7 rows, its files 5$/);
  assert.match(
    wrong.problems[1] ?? '',
    /\.parquet is there from version 50 to now, the table is at 5$/,
  );
  assert.equal(wrong.problems.length, 2);
  const foreign = await fixture.catalog.audit.table(rejected.id);
  assert.equal(foreign.problems.length, 2);
  assert.match(foreign.problems[0] ?? '', /is not of transaction 99, as the metadata says$/);
});

test('a data file is live as long as its table has it, by volume and key; a copy of a rollback counts', async (t) => {
  const fixture = await openFixture(t);
  const { table } = fixture;
  const lease = await grant(fixture, 't1');
  const request = await stage(fixture, lease, [progressOf(0n, { loaded: 5 })]);
  await fixture.committer.commit(request, carryOn);
  const [file] = request.tables.flatMap(({ files }) => files);
  assert.ok(file !== undefined);
  const asked = [file, { ...file, key: 'no such file' }];
  const live = (): Promise<readonly boolean[]> => fixture.catalog.audit.areLive(asked);
  assert.deepEqual(await live(), [true, false]);
  await fixture.committer.truncate(table.id);
  assert.deepEqual(await live(), [false, false]);
  await fixture.committer.rollback(table.id, { unit: 'VERSION', point: 2 });
  assert.deepEqual(await live(), [true, false]);
  assert.deepEqual(await fixture.catalog.audit.areLive([]), []);
});
