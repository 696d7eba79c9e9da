// Invariant 3, the metadata's part: a snapshot of several tables shows one moment of all of them, whatever
// commits meanwhile.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { present } from '../../../src/base/assert.ts';
import type { Catalog } from '../../../src/catalog/catalog.ts';
import {
  carryOn,
  type Fixture,
  grant,
  openFixture,
  progressOf,
  stage,
} from '../../support/catalog-fixture.ts';

const COMMITS = 60;

/** Rows of both tables, from one metadata read. */
async function rowsOf(catalog: Catalog, { table, rejected }: Fixture): Promise<[number, number]> {
  const { tables } = await catalog.snapshot(
    [table, rejected].map(({ databaseName, name }) => ({ databaseName, tableName: name })),
  );
  const [clicks, bad] = tables.map((entry) =>
    present(entry, 'a table').files.reduce((sum, file) => sum + file.rowCount, 0),
  );
  return [present(clicks, 'clicks'), present(bad, 'rejected rows')];
}

test('invariant 3: a snapshot of two tables never shows one batch in only one of them', async (t) => {
  const fixture = await openFixture(t);
  const lease = await grant(fixture, 't1');
  const seen = new Set<number>();
  let committing = true;
  const reading = (async () => {
    while (committing) {
      // Every batch adds two rows to the one and three to the other.
      const [clicks, bad] = await rowsOf(fixture.catalog, fixture);
      assert.equal(clicks * 3, bad * 2);
      seen.add(clicks);
      // A remembered snapshot comes at once: the commits need their turn.
      await setImmediate();
    }
  })();
  try {
    for (let index = 0; index < COMMITS; index += 1) {
      const progress = progressOf(BigInt(index * 5), { loaded: 2, filtered: 3 });
      const request = await stage(fixture, lease, [progress]);
      assert.equal((await fixture.committer.commit(request, carryOn)).state, 'VISIBLE');
    }
  } finally {
    committing = false;
    await reading;
  }
  assert.deepEqual(await rowsOf(fixture.catalog, fixture), [COMMITS * 2, COMMITS * 3]);
  assert.ok(seen.size > 10, `readers saw only ${seen.size} versions`);
});
