// Copies of positions in consumer groups: only where asked for, only what changed, and no load minds when they fail.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fail } from '../../../../src/base/errors.ts';
import { silentLog } from '../../../../src/base/log.ts';
import { defineRoutineLoad } from '../../../../src/loads/routine/definition.ts';
import { GroupOffsetCopies } from '../../../../src/loads/routine/group-offsets.ts';
import { openFixture, TOPIC } from '../../../support/catalog-fixture.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

const define = (properties: Readonly<Record<string, string>>): string =>
  JSON.stringify(
    defineRoutineLoad({
      load: {
        columnSeparator: null,
        rowDelimiter: null,
        columns: null,
        where: null,
        partitions: null,
      },
      properties: {},
      source: { kafka_broker_list: 'kafka:9092', kafka_topic: TOPIC, ...properties },
      sessionTimeZone: 'Etc/UTC',
    }),
  );

test('positions are copied when they changed and their time has come; a failure is told once', async (context) => {
  const { catalog, job } = await openFixture(context);
  const clock = new ManualClock();
  const committed: unknown[] = [];
  let isRefused = false;
  const copies = new GroupOffsetCopies({
    catalog,
    clock,
    log: silentLog,
    probe: {
      commitGroup: async (_connection, groupId, offsets) => {
        if (isRefused)
          throw fail('KAFKA_AUTHORIZATION', { operation: 'OffsetCommit', resource: 'group' });
        committed.push([groupId, offsets]);
      },
    },
  });
  await catalog.loadJobs.movePosition(job.id, TOPIC, 0, 0n, 5n);
  await catalog.loadJobs.setDefinition(job.id, define({}));
  await copies.copy();
  assert.deepEqual(committed, [], 'nobody asked for it');

  await catalog.loadJobs.setDefinition(job.id, define({ 'property.enable.auto.commit': 'true' }));
  await copies.copy();
  await copies.copy();
  const offsets = (offset: bigint) => [{ topic: TOPIC, partition: 0, offset }];
  assert.deepEqual(committed.splice(0), [[job.groupId, offsets(5n)]]);

  await catalog.loadJobs.movePosition(job.id, TOPIC, 0, 5n, 9n);
  await copies.copy();
  assert.deepEqual(committed, [], 'its interval is not over');
  await clock.advance(5_000);
  await copies.copy();
  assert.deepEqual(committed.splice(0), [[job.groupId, offsets(9n)]]);

  isRefused = true;
  await catalog.loadJobs.movePosition(job.id, TOPIC, 0, 9n, 12n);
  await clock.advance(5_000);
  await copies.copy();
  const told = (await catalog.loadJobs.byId(job.id))?.otherMessage?.text ?? '';
  assert.match(
    told,
    new RegExp(`positions were not copied to group ${job.groupId}: .*OffsetCommit`),
  );
  await catalog.loadJobs.setOtherMessage(job.id, 'something else');
  await clock.advance(60_000);
  await copies.copy();
  assert.equal((await catalog.loadJobs.byId(job.id))?.otherMessage?.text, 'something else');
  isRefused = false;
  await clock.advance(60_000);
  await copies.copy();
  assert.deepEqual(committed.splice(0), [[job.groupId, offsets(12n)]]);

  // A job that ends gets one more copy, at once.
  await catalog.loadJobs.movePosition(job.id, TOPIC, 0, 12n, 20n);
  await catalog.loadJobs.setState(job.id, ['NEED_SCHEDULE', 'RUNNING'], 'STOPPED', null);
  await copies.copy();
  await copies.copy();
  assert.deepEqual(committed, [[job.groupId, offsets(20n)]]);
  await copies.stop();
});
