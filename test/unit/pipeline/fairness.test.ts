// Fairness, measured by commits: a partition, a topic or a job with a giant backlog starves no other one. The loader is
// the real one, over a cluster and a front end in memory; all tasks share its budget, its connections and its thread.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { systemClock } from '../../../src/base/clock.ts';
import { asId, type Epoch } from '../../../src/base/ids.ts';
import { silentLog } from '../../../src/base/log.ts';
import { seededRandom, systemRandom } from '../../../src/base/random.ts';
import type { KafkaLoadPlan } from '../../../src/model/load-plan.ts';
import { Loader } from '../../../src/pipeline/loader.ts';
import { FakeFrontEnd } from '../../support/fake-front-end.ts';
import { FakeKafka } from '../../support/fake-kafka.ts';
import { column, makePlan, PipelineFixture } from '../../support/pipeline-fixture.ts';

let fixture: PipelineFixture;
before(async () => {
  fixture = await PipelineFixture.open();
});
after(() => fixture.close());

const EPOCH = asId<Epoch>(1);

function planOf(partitions: readonly number[]): KafkaLoadPlan {
  const plan = makePlan({ columns: [column('id', { kind: 'BIGINT' }, { nullable: false })] });
  return {
    ...plan,
    limits: { ...plan.limits, freshnessMs: 20, maxBatchRows: 200 },
    source: {
      ...plan.source,
      partitions: partitions.map((partition) => ({ partition, offset: 0n })),
    },
  };
}

async function openLoader(context: TestContext, kafka: FakeKafka, port: FakeFrontEnd) {
  const loader = await Loader.open({
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    engine: fixture.engine,
    port,
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
  const endMs = systemClock.monotonicMs() + 90_000;
  while (!condition()) {
    assert.ok(systemClock.monotonicMs() < endMs, `waited too long until ${what}`);
    await systemClock.sleep(2);
  }
}

/** So many batches of 100 rows each, of which an answer holds a few. */
function fill(kafka: FakeKafka, partition: number, batches: number): void {
  kafka.maxAnswerBytes = 8 * 1024;
  const rows = Array.from({ length: 100 }, (_, id) => `{"id":${id}}`);
  for (let batch = 0; batch < batches; batch += 1) kafka.appendValues(partition, rows);
}

/** The second partition as a topic of its own, read by the same task. */
function asTopics(plan: KafkaLoadPlan): KafkaLoadPlan {
  const [first, second] = plan.source.partitions;
  assert.ok(first !== undefined && second !== undefined);
  const others = [{ topic: 'second', partitions: [second] }];
  return { ...plan, source: { ...plan.source, partitions: [first], others } };
}

for (const [what, shaped] of [
  ['partitions of a job', (plan: KafkaLoadPlan) => plan],
  ['topics of a task', asTopics],
] as const)
  test(`${what}: single messages beside a giant backlog are in the next commits`, async (context) => {
    const kafka = new FakeKafka(2);
    fill(kafka, 0, 400);
    kafka.appendValues(1, ['{"id":1}']);
    const frontEnd = new FakeFrontEnd(seededRandom(1));
    const loader = await openLoader(context, kafka, frontEnd);
    const commitsWith = (partition: number): readonly number[] =>
      frontEnd.committed.flatMap(({ progress }, index) =>
        progress.some((part) => part.partition === partition && part.rowsLoaded > 0) ? [index] : [],
      );
    const late = { appendedAt: 0 };
    frontEnd.onCommit = () => {
      // Another one in the middle of the backlog.
      if (frontEnd.committed.length !== 20) return;
      late.appendedAt = frontEnd.committed.length;
      kafka.appendValues(1, ['{"id":2}']);
    };
    await loader.startTask({ taskId: 'a', epoch: EPOCH, plan: shaped(planOf([0, 1])) });
    await until('all is loaded', () => frontEnd.positions.get(0) === 40_000n);
    const [first = Number.NaN, second = Number.NaN] = commitsWith(1);
    assert.ok(frontEnd.committed.length > 60, `${frontEnd.committed.length} commits`);
    assert.ok(first < 8, `in commit ${first}`);
    assert.ok(second < late.appendedAt + 16, `in commit ${second}, sent at ${late.appendedAt}`);
  });

test('jobs: a trickle is committed while seven others have a giant backlog', async (context) => {
  const giants = [0, 1, 2, 3, 4, 5, 6];
  const trickle = 7;
  const kafka = new FakeKafka(8);
  for (const giant of giants) fill(kafka, giant, 800);
  const frontEnd = new FakeFrontEnd(seededRandom(1));
  const loader = await openLoader(context, kafka, frontEnd);
  for (const partition of [...giants, trickle]) {
    await loader.startTask({ taskId: `t${partition}`, epoch: EPOCH, plan: planOf([partition]) });
  }
  const commitsOf = (partition: number): number =>
    frontEnd.committed.filter(({ progress }) =>
      progress.some((part) => part.partition === partition),
    ).length;
  await until('all giants are at work', () => giants.every((giant) => commitsOf(giant) > 0));
  const waited: number[] = [];
  for (let sent = 1; sent <= 5; sent += 1) {
    const before = frontEnd.committed.length;
    kafka.appendValues(trickle, [`{"id":${sent}}`]);
    await until('the message is committed', () => commitsOf(trickle) === sent);
    waited.push(frontEnd.committed.length - before);
  }
  const behind = giants.filter((giant) => (frontEnd.positions.get(giant) ?? 0n) < 80_000n);
  assert.equal(behind.length, giants.length, 'the backlogs were over before it proved anything');
  // A few commits of each of the others.
  for (const commits of waited) assert.ok(commits <= 7 * 8, `after ${waited.join(', ')} commits`);
  // And they share: the least of them has its part of the commits.
  const shares = giants.map(commitsOf);
  const least = Math.min(...shares);
  assert.ok(least * 4 >= Math.max(...shares), `commits of the giants: ${shares.join(', ')}`);
});
