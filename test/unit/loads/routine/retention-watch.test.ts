// How long Kafka keeps what was not read: by time, by the log's beginning that comes nearer, and what the user is told.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { fail } from '../../../../src/base/errors.ts';
import { silentLog } from '../../../../src/base/log.ts';
import type { UnreadPart } from '../../../../src/kafka/client/unread.ts';
import { defineRoutineLoad } from '../../../../src/loads/routine/definition.ts';
import { RetentionWatch, seenNow } from '../../../../src/loads/routine/retention-watch.ts';
import { openFixture, TOPIC } from '../../../support/catalog-fixture.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

const HOUR = 3_600_000;
const NOW = 1_000 * HOUR;
const DAY_KEPT = { retentionMs: 24 * HOUR, deletes: true };
const part = (rest: Partial<UnreadPart> = {}): UnreadPart => ({
  partition: 0,
  logStart: 0n,
  end: 100n,
  oldestMs: NOW - HOUR,
  ...rest,
});
const at = (nextOffset: bigint, lastTimestampMs: number | null = null) => ({
  nextOffset,
  lastTimestampMs,
});

test('when the first unread message may go', () => {
  const gone = (...args: Parameters<typeof seenNow>) => seenNow(...args).goneMs;
  assert.equal(gone(at(10n), part(), DAY_KEPT, null, NOW), NOW + 23 * HOUR);
  assert.equal(gone(at(100n), part(), DAY_KEPT, null, NOW), null, 'nothing waits');
  assert.equal(gone(at(10n), part(), { ...DAY_KEPT, deletes: false }, null, NOW), null);
  assert.equal(gone(at(10n), part(), { ...DAY_KEPT, retentionMs: null }, null, NOW), null);
  assert.equal(gone(at(10n), part({ logStart: 11n }), DAY_KEPT, null, NOW), NOW, 'it is gone');
  // Where the message itself cannot be seen: it is as old as the last one that was loaded, or younger.
  const unseen = part({ oldestMs: null });
  assert.equal(gone(at(10n, NOW - 2 * HOUR), unseen, DAY_KEPT, null, NOW), NOW + 22 * HOUR);
  assert.equal(gone(at(10n), unseen, DAY_KEPT, null, NOW), null);
  // retention.bytes: the log's beginning went 20 offsets an hour, the position is 50 ahead of it.
  const before = { logStart: 0n, atMs: NOW - HOUR };
  const bySize = part({ logStart: 20n });
  const forEver = { retentionMs: null, deletes: true };
  assert.equal(gone(at(70n), bySize, forEver, before, NOW), NOW + 2.5 * HOUR);
  assert.equal(gone(at(70n), bySize, DAY_KEPT, before, NOW), NOW + 2.5 * HOUR, 'the sooner one');
  assert.equal(gone(at(70n), part({ logStart: 0n }), forEver, before, NOW), null, 'it stands');
});

async function rig(context: TestContext, properties: Readonly<Record<string, string>> = {}) {
  const fixture = await openFixture(context);
  const { catalog, job } = fixture;
  const definition = defineRoutineLoad({
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
  });
  await catalog.loadJobs.setDefinition(job.id, JSON.stringify(definition));
  const asked: (readonly { readonly partition: number; readonly offset: bigint }[])[] = [];
  const kafka = { retention: DAY_KEPT, oldestMs: catalog.nowMs(), end: 100n, isAway: false };
  const clock = new ManualClock();
  const watch = new RetentionWatch({
    catalog,
    clock,
    log: silentLog,
    warnMs: () => 4 * HOUR,
    probe: {
      unread: async (_connection, _topic, positions) => {
        if (kafka.isAway) throw fail('KAFKA_UNREACHABLE', { brokers: 'kafka:9092', reason: 'no' });
        asked.push(positions);
        const parts = positions.map(({ partition }) => part({ ...kafka, partition }));
        return { retention: kafka.retention, parts };
      },
    },
  });
  const look = async () => {
    await watch.look();
    const positions = await catalog.loadJobs.positions(job.id);
    const first = positions[0] ?? assert.fail();
    return { leftMs: watch.leftMs(job.id, first), warning: watch.warning(job.id, positions) };
  };
  return { fixture, catalog, job, kafka, asked, watch, look, clock };
}

const near = (actual: number | null, wanted: number): void =>
  assert.ok(actual !== null && Math.abs(actual - wanted) < 60_000, `${actual}, not ${wanted}`);

test('a job is warned below the threshold; what is read, or gone, or not known, warns of nothing', async (context) => {
  const { catalog, job, kafka, asked, watch, look, clock } = await rig(context);
  await catalog.loadJobs.reportLatest(job.id, TOPIC, [{ partition: 0, latestOffset: 100n }]);
  const fresh = await look();
  near(fresh.leftMs, 24 * HOUR);
  assert.equal(fresh.warning, null);
  kafka.oldestMs = catalog.nowMs() - 21.5 * HOUR;
  const old = await look();
  near(old.leftMs, 2.5 * HOUR);
  assert.match(
    old.warning ?? '',
    /^Kafka may delete messages of partition 0 of topic clicks before they are read, in 2 hours \(100 wait; retention.ms of the topic is 86400000\)$/,
  );
  // A broker that is away changes nothing of that.
  kafka.isAway = true;
  near((await look()).leftMs, 2.5 * HOUR);
  kafka.isAway = false;
  // It is asked again after ten minutes, not with each look.
  const before = asked.length;
  await look();
  assert.equal(asked.length, before);
  await clock.advance(600_000);
  await look();
  assert.equal(asked.length, before + 1);
  // The job goes on: what was seen is of messages that it has read now.
  await catalog.loadJobs.movePosition(job.id, TOPIC, 0, 0n, 40n);
  const positions = await catalog.loadJobs.positions(job.id);
  assert.equal(watch.warning(job.id, positions), null);
  near((await look()).leftMs, 2.5 * HOUR);
  kafka.oldestMs = catalog.nowMs() - 30 * HOUR;
  assert.match((await look()).warning ?? '', /before they are read, any time now/);
  // A topic that keeps messages for an hour: only its last quarter is worth a warning.
  kafka.retention = { retentionMs: HOUR, deletes: true };
  kafka.oldestMs = catalog.nowMs() - HOUR / 2;
  const short = await look();
  near(short.leftMs, HOUR / 2);
  assert.equal(short.warning, null);
  await catalog.loadJobs.setState(job.id, ['NEED_SCHEDULE', 'RUNNING'], 'STOPPED', null);
  await watch.look();
  assert.equal(watch.leftMs(job.id, positions[0] ?? assert.fail()), null);
  await watch.stop();
});

test('a running job is asked for where messages wait; a paused one always, and its end is noted', async (context) => {
  const { catalog, job, asked, look } = await rig(context);
  await catalog.loadJobs.setState(job.id, ['NEED_SCHEDULE'], 'RUNNING', null);
  await catalog.loadJobs.reportLatest(job.id, TOPIC, [{ partition: 0, latestOffset: 0n }]);
  await look();
  assert.equal(asked.length, 0);
  await catalog.loadJobs.reportLatest(job.id, TOPIC, [{ partition: 0, latestOffset: 7n }]);
  await look();
  assert.deepEqual(asked, [[{ partition: 0, offset: 0n }]]);
  const latest = async () => (await catalog.loadJobs.positions(job.id))[0]?.latestOffset;
  assert.equal(await latest(), 7n, 'its task says so itself');
  await catalog.loadJobs.setState(job.id, ['RUNNING'], 'PAUSED', null);
  await look();
  assert.equal(asked.length, 2);
  assert.equal(await latest(), 100n);
});
