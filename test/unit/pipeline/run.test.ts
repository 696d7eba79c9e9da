// The run loop, the Kafka source and the loader together, against a cluster and a front end in memory:
// nothing lost, nothing doubled, whatever answers get lost and wherever tasks are stopped.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { type Clock, systemClock } from '../../../src/base/clock.ts';
import { fail } from '../../../src/base/errors.ts';
import { asId, type Epoch } from '../../../src/base/ids.ts';
import { silentLog } from '../../../src/base/log.ts';
import { seededRandom, systemRandom } from '../../../src/base/random.ts';
import type { KafkaLoadPlan } from '../../../src/model/load-plan.ts';
import { Loader } from '../../../src/pipeline/loader.ts';
import { FakeFrontEnd } from '../../support/fake-front-end.ts';
import { FakeKafka } from '../../support/fake-kafka.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { column, makePlan, PipelineFixture } from '../../support/pipeline-fixture.ts';

let fixture: PipelineFixture;
before(async () => {
  fixture = await PipelineFixture.open();
});
after(() => fixture.close());

const seed = Number(process.hrtime.bigint() % 1_000_000n);

function planFor(frontEnd: FakeFrontEnd, partitions: number): KafkaLoadPlan {
  const plan = makePlan({ columns: [column('id', { kind: 'BIGINT' }, { nullable: false })] });
  return {
    ...plan,
    limits: { ...plan.limits, freshnessMs: 20, maxBatchRows: 700 },
    source: {
      ...plan.source,
      partitions: Array.from({ length: partitions }, (_, partition) => ({
        partition,
        offset: frontEnd.positions.get(partition) ?? 0n,
      })),
    },
  };
}

/** Ends with the test, however that ends: a running task would keep the process alive. */
async function openLoader(
  context: TestContext,
  kafka: FakeKafka,
  frontEnd: FakeFrontEnd,
  clock: Clock = systemClock,
): Promise<Loader> {
  const loader = await Loader.open({
    clock,
    random: systemRandom,
    log: silentLog,
    engine: fixture.engine,
    port: frontEnd,
    openCluster: () => kafka,
    openStore: () => fixture.store,
    tempDirectory: join(fixture.directory, 'temp'),
    sharedMemoryDirectory: null,
    statementsAtOnce: 2,
    budgetBytes: 64 * 1024,
  });
  context.after(() => loader.close(false));
  return loader;
}

async function until(what: string, condition: () => boolean): Promise<void> {
  const endMs = systemClock.monotonicMs() + 20_000;
  while (!condition()) {
    assert.ok(systemClock.monotonicMs() < endMs, `waited too long until ${what}`);
    await systemClock.sleep(5);
  }
}

async function committedIds(frontEnd: FakeFrontEnd, plan: KafkaLoadPlan): Promise<number[]> {
  const ids: number[] = [];
  for (const { tables } of frontEnd.committed)
    for (const table of tables.filter((t) => t.tableId === plan.target.tableId))
      for (const file of table.files) {
        const path = join(fixture.directory, 'volume', file.key);
        const rows = await fixture.connection.rows(`SELECT id FROM read_parquet('${path}')`);
        ids.push(...rows.map(([id]) => Number(id)));
      }
  return ids.sort((a, b) => a - b);
}

/** Fills the cluster with ids 0..n-1 and things that are no rows; gives how many of each. */
function produce(kafka: FakeKafka, partitions: number, random = seededRandom(seed)) {
  let id = 0;
  const counts = { broken: 0, empty: 0, aborted: 0, control: 0, gap: 0 };
  for (let step = 0; step < 500; step += 1) {
    const partition = random.below(partitions);
    const rows = Array.from({ length: 1 + random.below(60) }, () => `{"id":${id++}}`);
    switch (random.below(6)) {
      case 0: {
        kafka.appendValues(partition, [...rows, null, '', '{"id":']);
        counts.empty += 2;
        counts.broken += 1;
        break;
      }
      case 1:
        kafka.appendTransaction(partition, BigInt(1 + random.below(3)), rows, 'commit');
        counts.control += 1;
        break;
      case 2:
        kafka.appendTransaction(partition, BigInt(1 + random.below(3)), rows, 'abort');
        id -= rows.length;
        counts.aborted += rows.length;
        counts.control += 1;
        break;
      case 3:
        kafka.append(
          partition,
          rows.map((row, index) => ({ value: Buffer.from(row), offsetDelta: index * 2 })),
          { lastOffsetDelta: rows.length * 2 + 2 },
        );
        counts.gap += rows.length + 3;
        break;
      default:
        kafka.append(
          partition,
          rows.map((row) => ({ value: Buffer.from(row) })),
          { compression: (['none', 'lz4', 'zstd', 'gzip'] as const)[random.below(4)] ?? 'none' },
        );
    }
  }
  return { rows: id, ...counts };
}

/** The same partitions, as two topics of one task. */
function asTopics(plan: KafkaLoadPlan): KafkaLoadPlan {
  const [first, ...rest] = plan.source.partitions;
  const own = first === undefined ? [] : [first];
  const others = [{ topic: 'second', partitions: rest }];
  return { ...plan, source: { ...plan.source, partitions: own, others } };
}

for (const [what, shaped] of [
  ['', (plan: KafkaLoadPlan) => plan],
  [' of two topics', asTopics],
] as const)
  test(`everything${what} is loaded once with answers lost and tasks stopped anywhere (seed ${seed})`, async (context) => {
    const partitions = 3;
    const kafka = new FakeKafka(partitions, 2);
    const frontEnd = new FakeFrontEnd(seededRandom(seed + 1));
    frontEnd.lossPercent = 30;
    kafka.maxAnswerBytes = 4096;
    const produced = produce(kafka, partitions);
    const loader = await openLoader(context, kafka, frontEnd);
    const dice = seededRandom(seed + 2);
    const isDone = (): boolean =>
      Array.from({ length: partitions }, (_, p) => p).every(
        (p) => (frontEnd.positions.get(p) ?? 0n) === kafka.endOffset(p),
      );
    for (let round = 0; !isDone(); round += 1) {
      assert.ok(round < 500, 'too many rounds');
      const plan = shaped(planFor(frontEnd, partitions));
      const taskId = `task-${round}`;
      if (dice.below(3) === 0)
        kafka.failures.push(fail('KAFKA_BROKER_BUSY', { broker: 'b', api: 'Fetch', error: 'x' }));
      await loader.startTask({ taskId, epoch: asId<Epoch>(frontEnd.epoch), plan });
      await systemClock.sleep(dice.below(12));
      switch (dice.below(3)) {
        case 0:
          frontEnd.epoch += 1;
          await loader.stopTask(taskId, false);
          break;
        case 1:
          await loader.stopTask(taskId, dice.below(2) === 0);
          break;
        default:
          await systemClock.sleep(dice.below(20));
          await loader.stopTask(taskId, true);
      }
      if (round > 60) frontEnd.lossPercent = 5;
    }
    await loader.close(true);
    const ids = await committedIds(frontEnd, planFor(frontEnd, partitions));
    assert.equal(ids.length, produced.rows);
    assert.deepEqual(
      ids,
      Array.from({ length: produced.rows }, (_, index) => index),
    );
    assert.equal(
      frontEnd.total((p) => p.rowsLoaded),
      produced.rows,
    );
    assert.equal(
      frontEnd.total((p) => p.rowsFiltered),
      produced.broken,
    );
    assert.equal(
      frontEnd.total((p) => p.skipped.empty),
      produced.empty,
    );
    assert.equal(
      frontEnd.total((p) => p.skipped.aborted),
      produced.aborted,
    );
    assert.equal(
      frontEnd.total((p) => p.skipped.control),
      produced.control,
    );
    assert.equal(
      frontEnd.total((p) => p.skipped.gap),
      produced.gap,
    );
    const topics = new Set(frontEnd.committed.flatMap((c) => c.progress.map((p) => p.topic)));
    assert.equal(topics.size, shaped === asTopics ? 2 : 1);
    assert.equal(loader.heldBytes, 0);
    assert.deepEqual(frontEnd.failedTasks, []);
  });

test('a trickle is visible at once after a quiet time and once per tick in a stream', async (context) => {
  const kafka = new FakeKafka(1);
  const frontEnd = new FakeFrontEnd(seededRandom(1));
  const plan = planFor(frontEnd, 1);
  // Waiting is what is measured: the time that staging takes on this machine is none.
  const clock = new ManualClock();
  const loader = await openLoader(context, kafka, frontEnd, clock);
  await loader.startTask({
    taskId: 't',
    epoch: asId<Epoch>(1),
    plan: { ...plan, limits: { ...plan.limits, freshnessMs: 300 } },
  });
  kafka.appendValues(0, ['{"id":0}']);
  await until('the first row', () => frontEnd.committed.length === 1);
  await clock.advance(400);
  const startedMs = clock.nowMs();
  kafka.appendValues(0, ['{"id":1}']);
  // A quiet stream does not wait for a tick: time stands still meanwhile.
  await until('the second row', () => frontEnd.committed.length === 2);
  assert.equal(clock.nowMs(), startedMs);
  for (let step = 0; step < 60; step += 1) {
    kafka.appendValues(0, [`{"id":${step + 2}}`]);
    await clock.advance(10);
  }
  assert.ok(frontEnd.committed.length <= 5, `${frontEnd.committed.length} commits in 2.2 ticks`);
  await until('all rows', () => {
    void clock.advance(10);
    return frontEnd.total((p) => p.rowsLoaded) === 62;
  });
  assert.ok(frontEnd.committed.length <= 6, `${frontEnd.committed.length} commits`);
  const closing = loader.close(true);
  await clock.advance(1_000);
  await closing;
});

test('what was read before an error is committed, then the task fails with it', async (context) => {
  const kafka = new FakeKafka(1);
  const frontEnd = new FakeFrontEnd(seededRandom(1));
  kafka.appendValues(0, ['{"id":0}']);
  const loader = await openLoader(context, kafka, frontEnd);
  const plan = planFor(frontEnd, 1);
  frontEnd.onCommit = () => {
    kafka.failures.push(fail('KAFKA_AUTHORIZATION', { operation: 'READ', resource: 'topic' }));
    kafka.appendValues(0, ['{"id":1}']);
  };
  await loader.startTask({ taskId: 't', epoch: asId<Epoch>(1), plan });
  await until('the task fails', () => frontEnd.failedTasks.length > 0);
  assert.equal(frontEnd.failedTasks[0]?.code, 'KAFKA_AUTHORIZATION');
  await until('the task is gone', () => loader.tasks().length === 0);
  await loader.close(true);
});

test('a commit that ends the job ends the task silently, later batches are not committed', async (context) => {
  const kafka = new FakeKafka(1);
  const frontEnd = new FakeFrontEnd(seededRandom(1));
  kafka.maxAnswerBytes = 4096;
  for (let step = 0; step < 40; step += 1)
    kafka.appendValues(
      0,
      Array.from({ length: 100 }, (_, i) => `{"id":${step * 100 + i}}`),
    );
  frontEnd.pauseAfterCommits = 1;
  const loader = await openLoader(context, kafka, frontEnd);
  await loader.startTask({
    taskId: 't',
    epoch: asId<Epoch>(1),
    plan: planFor(frontEnd, 1),
  });
  await until('the task is gone', () => loader.tasks().length === 0);
  assert.equal(frontEnd.committed.length, 1);
  assert.deepEqual(frontEnd.failedTasks, []);
  await until('transactions are closed', () => frontEnd.openTransactions === 0);
  await loader.close(true);
});

test('expressions that do not compile end the task with an error for the user', async (context) => {
  const kafka = new FakeKafka(1);
  const frontEnd = new FakeFrontEnd(seededRandom(1));
  kafka.appendValues(0, ['{"id":0}']);
  const plan = planFor(frontEnd, 1);
  const loader = await openLoader(context, kafka, frontEnd);
  const transform = { ...plan.transform, whereSql: '"nothing" = 1' };
  await loader.startTask({ taskId: 't', epoch: asId<Epoch>(1), plan: { ...plan, transform } });
  await until('the task fails', () => frontEnd.failedTasks.length > 0);
  assert.equal(frontEnd.failedTasks[0]?.code, 'LOAD_SQL');
  await loader.close(true);
});

test('a batch that takes longer than task_timeout_second is given up, with what to raise', async (context) => {
  // A registry that never answers.
  const registry = createServer(() => undefined);
  await new Promise<void>((resolve) => registry.listen(0, '127.0.0.1', resolve));
  context.after(() => {
    registry.closeAllConnections();
    registry.close();
  });
  const address = registry.address();
  assert.ok(address !== null && typeof address === 'object');
  const kafka = new FakeKafka(1);
  kafka.appendValues(0, [Buffer.from([0, 0, 0, 0, 1, 2])]);
  const frontEnd = new FakeFrontEnd(seededRandom(1));
  const loader = await openLoader(context, kafka, frontEnd);
  const plan = planFor(frontEnd, 1);
  const registryUrl = `http://127.0.0.1:${address.port}`;
  const slow: KafkaLoadPlan = {
    ...plan,
    format: { kind: 'avro', registryUrl, jsonpaths: null },
    limits: { ...plan.limits, taskTimeoutMs: 300 },
  };
  await loader.startTask({ taskId: 'slow', epoch: asId<Epoch>(1), plan: slow });
  await until('the task fails', () => frontEnd.failedTasks.length > 0);
  const [error] = frontEnd.failedTasks;
  assert.equal(error?.code, 'TIMEOUT');
  assert.equal(error?.kind, 'retry');
  assert.match(error?.fullMessage ?? '', /300 ms.*raise task_timeout_second of the job/);
  assert.equal(frontEnd.committed.length, 0);
});
