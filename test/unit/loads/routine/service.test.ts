// Routine Load as statements see it, over a real catalog: create, pause, resume, stop, alter, list.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { AppError, fail } from '../../../../src/base/errors.ts';
import { seededRandom } from '../../../../src/base/random.ts';
import { type NewRoutineLoad, RoutineLoads } from '../../../../src/loads/routine/service.ts';
import { showRow } from '../../../../src/loads/routine/show.ts';
import type { KafkaConnectionSpec } from '../../../../src/model/load-plan.ts';
import {
  carryOn,
  type Fixture,
  grant,
  openFixture,
  progressOf,
  stage,
} from '../../../support/catalog-fixture.ts';

const NO_CLAUSES = {
  columnSeparator: null,
  rowDelimiter: null,
  columns: null,
  where: null,
  partitions: null,
};
const KAFKA = { kafka_broker_list: 'kafka:9092', kafka_topic: 'clicks' };
const NEW: NewRoutineLoad = {
  database: 'quickstart',
  jobName: 'j',
  tableNames: ['site_clicks'],
  load: NO_CLAUSES,
  properties: { format: 'json' },
  source: KAFKA,
  userName: 'root',
  userHost: '%',
  sessionTimeZone: 'Etc/UTC',
};

interface Rig {
  readonly fixture: Fixture;
  readonly service: RoutineLoads;
  readonly calls: string[];
  probed: KafkaConnectionSpec | null;
  /** Part of the topics' ids: another one once they were deleted and made again. */
  generation: string;
}

/** The fixture's own job `clicks` is dropped, so that only the test's are there. */
async function rig(context: TestContext): Promise<Rig> {
  const fixture = await openFixture(context);
  await fixture.catalog.loadJobs.setState(fixture.job.id, ['RUNNING'], 'STOPPED', null);
  await fixture.catalog.loadJobs.setDefinition(
    fixture.job.id,
    JSON.stringify({
      properties: {},
      source: {
        brokers: [],
        topic: 't',
        partitions: null,
        defaultOffset: null,
        custom: {},
        groupId: null,
      },
      columns: null,
      where: null,
      columnSeparator: null,
      rowDelimiter: null,
      timeZone: 'Etc/UTC',
    }),
  );
  const calls: string[] = [];
  const made: Rig = {
    fixture,
    calls,
    probed: null,
    generation: '',
    service: new RoutineLoads({
      catalog: fixture.catalog,
      random: seededRandom(1),
      unstableLimits: () => ({ nowMs: 0, thresholdSeconds: 3600 }),
      errorLogUrl: (id) => `http://fe/log?file=${id}`,
      probe: {
        topics: async () => ['a1', 'a2', 'b1', '__internal'],
        topic: async (connection, topic) => {
          made.probed = connection;
          if (topic === 'nosuch') throw fail('KAFKA_UNKNOWN_TOPIC', { topic });
          return {
            topicId: `id of ${topic} at ${connection.brokers[0]?.slice(0, 5)}${made.generation}`,
            partitions: [0, 1, 2],
          };
        },
        offsets: async (_connection, _topic, partitions, at) =>
          new Map(partitions.map((partition) => [partition, at === 'latest' ? 100n : 7n])),
      },
      scheduler: {
        wake: () => calls.push('wake'),
        forget: async (jobId) => {
          calls.push(`forget ${jobId}`);
        },
      },
    }),
  };
  return made;
}

const hasCode =
  (code: string, text = '') =>
  (error: unknown): boolean => {
    assert(error instanceof AppError, String(error));
    assert.equal(error.code, code);
    assert.ok(error.message.includes(text), error.message);
    return true;
  };

async function positionsOf({ fixture }: Rig, name: string): Promise<Record<number, bigint>> {
  const [job] = (await fixture.catalog.loadJobs.byName(fixture.table.databaseId, name)).slice(-1);
  assert(job !== undefined);
  const positions = await fixture.catalog.loadJobs.positions(job.id);
  return Object.fromEntries(positions.map((entry) => [entry.partition, entry.nextOffset]));
}

test('CREATE resolves where each partition begins and wakes the scheduler', async (context) => {
  const one = await rig(context);
  await one.service.create(NEW);
  assert.deepEqual(await positionsOf(one, 'j'), { 0: 100n, 1: 100n, 2: 100n });
  assert.deepEqual(one.calls, ['wake']);
  await one.service.create({
    ...NEW,
    jobName: 'k',
    source: {
      ...KAFKA,
      kafka_partitions: '2,0',
      kafka_offsets: '5,OFFSET_BEGINNING',
      'property.client.id': 'x',
      'property.group.id': 'mine',
    },
  });
  assert.deepEqual(await positionsOf(one, 'k'), { 0: 7n, 2: 5n });
  assert.deepEqual(one.probed, {
    brokers: ['kafka:9092'],
    properties: { 'client.id': 'x' },
    files: {},
  });
  const [first, second] = await one.service.list({ database: 'quickstart', all: false }, 'Etc/UTC');
  assert.match(first?.job.groupId ?? '', /^j_[0-9a-f-]{36}$/);
  assert.equal(second?.job.groupId, 'mine');
});

test('CREATE stores nothing when anything is wrong', async (context) => {
  const { service, fixture } = await rig(context);
  const refused: readonly [Partial<NewRoutineLoad>, string, string][] = [
    [{ tableNames: ['nosuch'] }, 'UNKNOWN_TABLE', 'quickstart.nosuch'],
    [{ database: 'nosuch' }, 'UNKNOWN_DATABASE', 'nosuch'],
    [{ jobName: 'a b' }, 'SQL_ANALYZE', "Incorrect routine load job name 'a b'"],
    [{ jobName: 'x'.repeat(300) }, 'SQL_ANALYZE', 'Incorrect routine load job name'],
    [{ source: { ...KAFKA, kafka_topic: 'nosuch' } }, 'KAFKA_UNKNOWN_TOPIC', 'nosuch'],
    [
      { source: { ...KAFKA, kafka_partitions: '7' } },
      'SQL_ANALYZE',
      'there is a custom kafka partition 7 which is invalid for topic clicks',
    ],
  ];
  for (const [change, code, text] of refused) {
    await assert.rejects(service.create({ ...NEW, ...change }), hasCode(code, text));
  }
  assert.deepEqual(await fixture.catalog.loadJobs.list({ all: false }), []);
});

test('a name is free again when its job has ended', async (context) => {
  const { service } = await rig(context);
  await service.create(NEW);
  await assert.rejects(
    service.create(NEW),
    hasCode('JOB_NAME_USED', 'Name j already used in db quickstart'),
  );
  await service.stop('quickstart', 'j', 'root');
  await service.create(NEW);
  assert.equal((await service.find('quickstart', 'j')).state, 'NEED_SCHEDULE');
  const all = await service.list({ database: 'quickstart', name: 'j', all: true }, 'Etc/UTC');
  assert.deepEqual(
    all.map(({ job }) => job.state),
    ['STOPPED', 'NEED_SCHEDULE'],
  );
});

test('states change only along their ways', async (context) => {
  const one = await rig(context);
  const { service } = one;
  await service.create(NEW);
  await assert.rejects(
    service.resume('quickstart', 'j'),
    hasCode('JOB_STATE', 'Could not transform NEED_SCHEDULE to NEED_SCHEDULE, job: j'),
  );
  await service.pause('quickstart', 'j', 'me');
  const paused = await service.find('quickstart', 'j');
  assert.deepEqual(paused.reason, { errCode: 100, message: 'User me pauses routine load job' });
  assert.notEqual(paused.pausedMs, null);
  assert.ok(one.calls.includes(`forget ${paused.id}`));
  await assert.rejects(service.pause('quickstart', 'j', 'me'), hasCode('JOB_STATE', 'PAUSED'));
  await service.resume('quickstart', 'j');
  assert.equal((await service.find('quickstart', 'j')).pausedMs, null);
  await service.stop('quickstart', 'j', 'me');
  for (const change of [
    () => service.pause('quickstart', 'j', 'me'),
    () => service.resume('quickstart', 'j'),
    () => service.stop('quickstart', 'j', 'me'),
  ]) {
    await assert.rejects(change(), hasCode('JOB_STATE', 'STOPPED'));
  }
  await assert.rejects(service.find('quickstart', 'nosuch'), hasCode('UNKNOWN_JOB', 'nosuch'));
});

test('ALTER needs PAUSED, changes all or nothing, and opens a new segment of the ledger', async (context) => {
  const one = await rig(context);
  const { service, fixture } = one;
  await service.create(NEW);
  const change = {
    database: 'quickstart',
    name: 'j',
    load: NO_CLAUSES,
    properties: { max_error_number: '5' },
    source: { kafka_partitions: '0,1,2', kafka_offsets: '50,OFFSET_BEGINNING,OFFSET_END' },
  };
  await assert.rejects(service.alter(change), hasCode('JOB_STATE', 'ALTER, which needs PAUSED'));
  await service.pause('quickstart', 'j', 'root');
  await assert.rejects(
    service.alter({ ...change, source: { kafka_partitions: '9', kafka_offsets: '1' } }),
    hasCode('SQL_ANALYZE', 'partition 9 is not in the consumed partitions'),
  );
  const before = await service.find('quickstart', 'j');
  assert.ok(!before.definitionJson.includes('max_error_number'));
  await service.alter(change);
  assert.deepEqual(await positionsOf(one, 'j'), { 0: 50n, 1: 7n, 2: 100n });
  assert.ok(
    (await service.find('quickstart', 'j')).definitionJson.includes('"max_error_number":"5"'),
  );
  assert.equal((await fixture.catalog.ledger.list(before.id)).length, 0);
});

test('ALTER of brokers keeps the positions where the topic is the same, of the topic begins anew', async (context) => {
  const one = await rig(context);
  const { service } = one;
  await service.create({
    ...NEW,
    source: { ...KAFKA, kafka_partitions: '0,2', kafka_offsets: '5,6' },
  });
  await service.pause('quickstart', 'j', 'root');
  const alter = (source: Record<string, string>) =>
    service.alter({ database: 'quickstart', name: 'j', load: NO_CLAUSES, properties: {}, source });
  const topicOf = async (): Promise<string> =>
    JSON.parse((await service.find('quickstart', 'j')).definitionJson).source.topic;

  await alter({ kafka_broker_list: 'kafka:9093,kafka:9094' });
  assert.deepEqual(await positionsOf(one, 'j'), { 0: 5n, 2: 6n });
  assert.deepEqual(one.probed?.brokers, ['kafka:9093', 'kafka:9094']);
  await alter({ kafka_broker_list: 'kafka:9095', kafka_partitions: '2', kafka_offsets: '8' });
  assert.deepEqual(await positionsOf(one, 'j'), { 0: 5n, 2: 8n });

  await assert.rejects(
    alter({ kafka_broker_list: 'other:9092' }),
    hasCode('SQL_ANALYZE', 'is not known to be the one that the job read'),
  );
  assert.deepEqual(await positionsOf(one, 'j'), { 0: 5n, 2: 8n });
  await alter({ kafka_broker_list: 'other:9092', 'property.kafka_default_offsets': '9' });
  assert.deepEqual(await positionsOf(one, 'j'), { 0: 9n, 1: 9n, 2: 9n });

  await assert.rejects(alter({ kafka_topic: 'nosuch' }), hasCode('KAFKA_UNKNOWN_TOPIC'));
  await assert.rejects(
    alter({ kafka_topic: 'pages', kafka_partitions: '7', kafka_offsets: '1' }),
    hasCode('SQL_ANALYZE', 'custom kafka partition 7'),
  );
  assert.equal(await topicOf(), 'clicks');
  await alter({
    kafka_topic: 'pages',
    kafka_partitions: '1,0',
    kafka_offsets: 'OFFSET_END - 3,OFFSET_BEGINNING',
  });
  assert.equal(await topicOf(), 'pages');
  assert.deepEqual(await positionsOf(one, 'j'), { 0: 7n, 1: 97n });
});

test('ALTER of a topic that was made again: all partitions begin anew, those not named at their beginning', async (context) => {
  const one = await rig(context);
  const { service } = one;
  await service.create({ ...NEW, source: KAFKA });
  await service.pause('quickstart', 'j', 'root');
  const alter = (source: Record<string, string>) =>
    service.alter({ database: 'quickstart', name: 'j', load: NO_CLAUSES, properties: {}, source });
  const idsOf = async (): Promise<unknown> =>
    JSON.parse((await service.find('quickstart', 'j')).definitionJson).source.topicIds;
  await alter({ kafka_partitions: '1', kafka_offsets: '4' });
  assert.deepEqual(await positionsOf(one, 'j'), { 0: 100n, 1: 4n, 2: 100n });
  one.generation = ' again';
  await alter({ 'property.client.id': 'x' });
  assert.deepEqual(await idsOf(), { clicks: 'id of clicks at kafka' });
  await assert.rejects(
    alter({ kafka_partitions: '3', kafka_offsets: '4' }),
    hasCode('SQL_ANALYZE', 'The specified partition 3 is not in the consumed partitions'),
  );
  await alter({ kafka_partitions: '2', kafka_offsets: 'OFFSET_END' });
  assert.deepEqual(await positionsOf(one, 'j'), { 0: 7n, 1: 7n, 2: 100n });
  assert.deepEqual(await idsOf(), { clicks: 'id of clicks at kafka again' });
  one.generation = ' once more';
  await alter({ 'property.kafka_default_offsets': '5' });
  assert.deepEqual(await positionsOf(one, 'j'), { 0: 5n, 1: 5n, 2: 5n });
});

test('ALTER of several topics: those that stay keep their positions, other brokers need a start', async (context) => {
  const one = await rig(context);
  const { service, fixture } = one;
  await service.create({ ...NEW, source: { ...KAFKA, kafka_topic: 'a1,b1' } });
  await service.pause('quickstart', 'j', 'root');
  const alter = (source: Record<string, string>) =>
    service.alter({ database: 'quickstart', name: 'j', load: NO_CLAUSES, properties: {}, source });
  const positions = async (): Promise<readonly string[]> => {
    const { id } = await service.find('quickstart', 'j');
    const found = await fixture.catalog.loadJobs.positions(id);
    return found.filter((p) => p.partition === 0).map((p) => `${p.topic} ${p.nextOffset}`);
  };
  await alter({
    kafka_topic_regex: 'a.',
    'property.kafka_default_offsets': 'OFFSET_BEGINNING',
  });
  assert.deepEqual(await positions(), ['a1 100', 'a2 7']);
  await assert.rejects(
    alter({ kafka_broker_list: 'new:9092' }),
    hasCode('SQL_ANALYZE', 'say where to begin with property.kafka_default_offsets'),
  );
  assert.deepEqual(await positions(), ['a1 100', 'a2 7']);
  await alter({ kafka_broker_list: 'new:9092', 'property.kafka_default_offsets': '3' });
  assert.deepEqual(await positions(), ['a1 3', 'a2 3']);
  await alter({ kafka_topic: 'a2', kafka_partitions: '1', kafka_offsets: '4' });
  assert.deepEqual(await positionsOf(one, 'j'), { 1: 4n });
});

test('a topic that is read again begins a new row of the ledger', async (context) => {
  const fixture = await openFixture(context);
  const { catalog, job } = fixture;
  const lease = await grant(fixture, 'one');
  const request = await stage(fixture, lease, [progressOf(0n, { loaded: 3 })]);
  assert.equal((await fixture.committer.commit(request, carryOn)).state, 'VISIBLE');
  await catalog.loadJobs.removePositions(job.id);
  assert.equal((await catalog.loadJobs.positions(job.id)).length, 0);
  const late = await stage(fixture, lease, [progressOf(3n, { loaded: 3 })]);
  await assert.rejects(fixture.committer.commit(late, carryOn), hasCode('POSITION_MISMATCH'));
  const position = { topic: 'clicks', partition: 0, nextOffset: 1n };
  await catalog.loadJobs.addPositions(job.id, [position]);
  const again = await stage(fixture, await grant(fixture, 'two'), [progressOf(1n, { loaded: 3 })]);
  assert.equal((await fixture.committer.commit(again, carryOn)).state, 'VISIBLE');
  assert.deepEqual(
    (await catalog.ledger.list(job.id)).map((row) => [row.segment, row.fromOffset, row.toOffset]),
    [
      [1, 0n, 3n],
      [2, 1n, 4n],
    ],
  );
});

test('a moved position begins a new row of the ledger, the old one stays', async (context) => {
  const fixture = await openFixture(context);
  const { catalog, job } = fixture;
  const commit = async (taskId: string, from: bigint): Promise<void> => {
    const lease = await grant(fixture, taskId);
    const request = await stage(fixture, lease, [progressOf(from, { loaded: 3 })]);
    assert.equal((await fixture.committer.commit(request, carryOn)).state, 'VISIBLE');
  };
  await commit('one', 0n);
  await catalog.loadJobs.movePosition(job.id, 'clicks', 0, 3n, 10n);
  await commit('two', 10n);
  assert.deepEqual(
    (await catalog.ledger.list(job.id)).map(({ segment, fromOffset, toOffset }) => ({
      segment,
      fromOffset,
      toOffset,
    })),
    [
      { segment: 1, fromOffset: 0n, toOffset: 3n },
      { segment: 2, fromOffset: 10n, toOffset: 13n },
    ],
  );
});

test('many jobs are listed with few reads, each with its own positions and tasks', async (context) => {
  const { service, fixture } = await rig(context);
  for (let index = 0; index < 50; index += 1) {
    await service.create({ ...NEW, jobName: `j${index}` });
  }
  const target = await service.find('quickstart', 'j7');
  await fixture.catalog.leases.grant({
    taskId: 'task',
    jobId: target.id,
    node: 'cn-1',
    partitions: [{ topic: 'clicks', partition: 0 }],
  });
  const jobs = await service.list({ database: null, all: false }, 'Asia/Shanghai');
  assert.equal(jobs.length, 50);
  for (const shown of jobs) {
    assert.equal(shown.positions.length, 3);
    assert.equal(shown.currentTaskNum, shown.job.name === 'j7' ? 1 : 0);
    assert.equal(showRow(shown)[1], shown.job.name);
  }
  const [only] = await service.list({ database: 'quickstart', name: 'j7', all: false }, 'Etc/UTC');
  assert.equal(only?.positions.length, 3);
  await assert.rejects(
    service.list({ database: 'quickstart', name: 'clicks', all: false }, 'Etc/UTC'),
    hasCode('UNKNOWN_JOB', 'There is no running job named clicks in database quickstart'),
  );
  assert.equal(
    (await service.list({ database: 'quickstart', name: 'clicks', all: true }, 'Etc/UTC')).length,
    1,
  );
});
