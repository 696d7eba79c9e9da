// What the scheduler does about topics: new partitions, topics that come, go and are made again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fail } from '../../../../src/base/errors.ts';
import { NO_CLAUSES, rig, until } from '../../../support/scheduler-rig.ts';

test('new partitions begin at their beginning, or where kafka_default_offsets says', async (context) => {
  const plain = await rig(context, {});
  plain.probe.partitionsFound = [0, 1];
  await plain.scheduler.start();
  await until('started', () => plain.loader.started.length === 1);
  assert.deepEqual(plain.loader.started[0]?.plan.source.partitions, [
    { partition: 0, offset: 0n },
    { partition: 1, offset: 7n },
  ]);
  plain.probe.partitionsFound = [0, 1, 2];
  await plain.clock.advance(10_000);
  await until('all anew', () => plain.loader.started.length === 2);
  assert.equal(plain.loader.stopped[0]?.taskId, plain.loader.started[0]?.taskId);
  assert.equal(plain.loader.started[1]?.plan.source.partitions.length, 3);

  const atEnd = await rig(context, { 'property.kafka_default_offsets': 'OFFSET_END' });
  atEnd.probe.partitionsFound = [0, 1];
  await atEnd.scheduler.start();
  await until('started', () => atEnd.loader.started.length === 1);
  assert.deepEqual(atEnd.loader.started[0]?.plan.source.partitions[1], {
    partition: 1,
    offset: 100n,
  });
});

test('several topics: a task for each, a new one is found, one that is gone leaves the others alone', async (context) => {
  const { fixture, probe, loader, scheduler, clock, state } = await rig(context, {
    kafka_topic: '',
    kafka_topic_regex: 'clicks|more_.*',
  });
  const { catalog, job } = fixture;
  const topicsOf = async (): Promise<readonly string[]> =>
    (await catalog.loadJobs.positions(job.id)).map((p) => `${p.topic}:${p.partition}`);
  probe.partitionsFound = [0];
  probe.names = ['clicks', 'other', 'more_a', '__more_x'];
  await scheduler.start();
  await until('two tasks', () => loader.started.length === 2);
  assert.deepEqual(await topicsOf(), ['clicks:0', 'more_a:0']);
  assert.deepEqual(
    loader.started.map(({ plan }) => [plan.source.topic, plan.source.partitions]),
    [
      ['clicks', [{ partition: 0, offset: 0n }]],
      ['more_a', [{ partition: 0, offset: 7n }]],
    ],
  );

  probe.names = ['clicks', 'more_a', 'more_b'];
  await clock.advance(10_000);
  await until('three tasks', () => loader.started.length === 5);
  assert.deepEqual(await topicsOf(), ['clicks:0', 'more_a:0', 'more_b:0']);

  const gone = loader.started[3];
  assert.equal(gone?.plan.source.topic, 'more_a');
  probe.names = ['clicks', 'more_b'];
  const error = fail('KAFKA_UNKNOWN_TOPIC', { topic: 'more_a' });
  await scheduler.onTaskFailed(gone.taskId, gone.epoch, error);
  assert.equal(await state(), 'RUNNING');
  assert.deepEqual(await topicsOf(), ['clicks:0', 'more_b:0']);
  assert.match(
    (await catalog.loadJobs.byId(job.id))?.otherMessage?.text ?? '',
    /goes on without topics that do not exist: more_a/,
  );
  assert.equal((await catalog.leases.list(job.id)).length, 2);

  // Made again: it begins as a topic that was found later does.
  probe.names = ['clicks', 'more_a', 'more_b'];
  await clock.advance(10_000);
  await until('back', () => loader.started.length === 8);
  assert.deepEqual(await topicsOf(), ['clicks:0', 'more_a:0', 'more_b:0']);
});

test('the only topic is made again while the job is paused: it is noticed, until ALTER says where to begin', async (context) => {
  const { fixture, probe, loader, scheduler, service, state, rest } = await rig(context, {});
  const { catalog, job } = fixture;
  probe.topicId = 'first';
  await scheduler.start();
  await until('started', () => loader.started.length === 1);
  // Nobody knew the id when the job was made: it is the one that was found first.
  assert.equal(loader.started[0]?.plan.source.topicId, 'first');
  await service.pause('quickstart', job.name, 'root');
  probe.topicId = 'second';
  await service.resume('quickstart', job.name);
  await until('paused', async () => (await state()) === 'PAUSED');
  await rest();
  const paused = await catalog.loadJobs.byId(job.id);
  assert.equal(paused?.reason?.errCode, 5607);
  assert.match(
    paused?.reason?.message ?? '',
    /was deleted and created again \(id first, now second/,
  );
  assert.equal(paused?.resumeMs, null);
  assert.equal(loader.started.length, 1);

  await service.alter({
    database: 'quickstart',
    name: job.name,
    load: NO_CLAUSES,
    properties: {},
    source: { kafka_partitions: '0', kafka_offsets: '3' },
  });
  await service.resume('quickstart', job.name);
  await until('started again', () => loader.started.length === 2);
  const { source } = loader.started[1]?.plan ?? assert.fail();
  assert.equal(source.topicId, 'second');
  assert.deepEqual(source.partitions, [{ partition: 0, offset: 3n }]);
});

test('of several topics one is made again while the job is paused: it alone begins anew', async (context) => {
  const { fixture, probe, loader, scheduler, service } = await rig(context, {
    kafka_topic: 'clicks,constructor',
  });
  const { job, catalog } = fixture;
  const ids: Record<string, string> = { clicks: 'c1', constructor: 'k1' };
  probe.topic = async (_connection, name) => ({ topicId: ids[name] ?? null, partitions: [0] });
  await scheduler.start();
  await until('two tasks', () => loader.started.length === 2);
  await catalog.loadJobs.movePosition(job.id, 'constructor', 0, 7n, 50n);
  await catalog.loadJobs.movePosition(job.id, 'clicks', 0, 0n, 60n);
  await service.pause('quickstart', job.name, 'root');
  ids['constructor'] = 'k2';
  await service.resume('quickstart', job.name);
  await until('two more', () => loader.started.length === 4);
  assert.deepEqual(
    loader.started.slice(2).map(({ plan: { source } }) => ({
      topic: source.topic,
      id: source.topicId,
      offset: source.partitions[0]?.offset,
    })),
    [
      { topic: 'clicks', id: 'c1', offset: 60n },
      { topic: 'constructor', id: 'k2', offset: 7n },
    ],
  );
  assert.match(
    (await catalog.loadJobs.byId(job.id))?.otherMessage?.text ?? '',
    /Kafka topic 'constructor' was deleted and created again/,
  );
});

test('several topics: no more tasks than desired_concurrent_number, each with whole topics', async (context) => {
  const { fixture, probe, loader, scheduler, leases } = await rig(
    context,
    { kafka_topic: '', kafka_topic_regex: '.*' },
    { desired_concurrent_number: '2' },
  );
  probe.partitionsFound = [0, 1];
  probe.names = ['a', 'b', 'c'];
  await fixture.catalog.loadJobs.removePositions(fixture.job.id);
  await scheduler.start();
  await until('two tasks', () => loader.started.length === 2);
  const partitions = [
    { partition: 0, offset: 7n },
    { partition: 1, offset: 7n },
  ];
  assert.deepEqual(
    loader.started.map(({ plan: { source } }) => [source.topic, source.partitions, source.others]),
    [
      ['a', partitions, [{ topic: 'c', partitions }]],
      ['b', partitions, undefined],
    ],
  );
  assert.equal((await leases()).length, 2);
});
