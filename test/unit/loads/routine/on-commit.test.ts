// The error rules inside of a commit: max_error_number over its window of 10 times max_batch_rows, max_filter_ratio over
// the batch. SOURCE: StarRocks, RoutineLoadJob.updateNumOfData.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { AppError } from '../../../../src/base/errors.ts';
import { defineRoutineLoad } from '../../../../src/loads/routine/definition.ts';
import { routineLoadHooks } from '../../../../src/loads/routine/on-commit.ts';
import { grant, openFixture, progressOf, stage, TOPIC } from '../../../support/catalog-fixture.ts';

async function rig(context: TestContext, properties: Readonly<Record<string, string>>) {
  const fixture = await openFixture(context);
  const { catalog, job, committer } = fixture;
  const definition = defineRoutineLoad({
    load: {
      columnSeparator: null,
      rowDelimiter: null,
      columns: null,
      where: null,
      partitions: null,
    },
    properties: { format: 'json', ...properties },
    source: { kafka_broker_list: 'kafka:9092', kafka_topic: TOPIC },
    sessionTimeZone: 'Etc/UTC',
  });
  await catalog.loadJobs.setDefinition(job.id, JSON.stringify(definition));
  const lease = await grant(fixture, 't1');
  let next = 0n;
  return {
    /** Commits a batch of so many rows. */
    commit: async (rows: Parameters<typeof progressOf>[1]) => {
      const request = await stage(fixture, lease, [progressOf(next, rows)]);
      const result = await committer.commit(request, routineLoadHooks);
      next += BigInt(rows.loaded + (rows.filtered ?? 0) + (rows.unselected ?? 0));
      return result.continueTask;
    },
    job: async () => (await catalog.loadJobs.byId(job.id)) ?? assert.fail(),
  };
}

test('max_error_number: so many are allowed in a window; one more pauses, with the batch committed', async (context) => {
  const { commit, job } = await rig(context, { max_error_number: '3' });
  assert.equal(await commit({ loaded: 10, filtered: 2, unselected: 50 }), true);
  assert.equal(await commit({ loaded: 10, filtered: 1 }), true);
  assert.deepEqual([(await job()).windowErrorRows, (await job()).windowTotalRows], [3, 73]);
  assert.equal(await commit({ loaded: 1, filtered: 1 }), false);
  const { state, reason, counters } = await job();
  assert.equal(state, 'PAUSED');
  assert.deepEqual(reason, {
    errCode: 102,
    message: 'Current error rows: 4 is more than max error num: 3',
  });
  assert.deepEqual([counters.loadedRows, counters.errorRows], [21, 4]);
});

test('a window ends behind 10 times max_batch_rows rows: its errors are forgotten', async (context) => {
  const { commit, job } = await rig(context, {
    max_error_number: '3',
    max_batch_rows: '200000',
  });
  assert.equal(await commit({ loaded: 1_999_997, filtered: 3 }), true);
  assert.equal((await job()).windowErrorRows, 3, 'at its end, not behind it');
  assert.equal(await commit({ loaded: 1 }), true);
  assert.deepEqual([(await job()).windowErrorRows, (await job()).windowTotalRows], [0, 0]);
  assert.equal(await commit({ loaded: 1, filtered: 3 }), true);
  assert.equal((await job()).state, 'RUNNING');
  assert.equal(await commit({ loaded: 1, filtered: 1 }), false);
});

test('max_filter_ratio: of the rows of the batch that WHERE left; above it nothing is committed', async (context) => {
  const { commit, job } = await rig(context, { max_error_number: '100', max_filter_ratio: '0.2' });
  assert.equal(await commit({ loaded: 8, filtered: 2 }), true);
  for (const rows of [
    { loaded: 7, filtered: 2 },
    { loaded: 0, filtered: 1 },
    // Unselected rows make the part of bad ones no smaller.
    { loaded: 2, filtered: 1, unselected: 1_000 },
  ]) {
    await assert.rejects(
      commit(rows),
      (error) => error instanceof AppError && error.code === 'LOAD_TOO_MANY_FILTERED',
    );
  }
  assert.deepEqual([(await job()).counters.loadedRows, (await job()).windowErrorRows], [8, 2]);
  const off = await rig(context, { max_error_number: '100' });
  assert.equal(await off.commit({ loaded: 0, filtered: 5 }), true);
});
