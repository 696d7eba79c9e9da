// The figures of commits: what is observed, and that no commit fails or waits for them.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../../src/base/clock.ts';
import { fail } from '../../../src/base/errors.ts';
import { silentLog } from '../../../src/base/log.ts';
import { deferred } from '../../../src/base/queue.ts';
import type { Catalog } from '../../../src/catalog/catalog.ts';
import type { LoadJobs } from '../../../src/catalog/load-jobs.ts';
import { defineRoutineLoad } from '../../../src/loads/routine/definition.ts';
import { FeEndpoint } from '../../../src/roles/fe.ts';
import { openMetrics } from '../../../src/telemetry/metrics.ts';
import {
  type Fixture,
  grant,
  openFixture,
  positionOf,
  progressOf,
  stage,
  TOPIC,
} from '../../support/catalog-fixture.ts';

const CONTEXT = {
  signal: new AbortController().signal,
  push: () => Promise.reject(new Error('a commit sends no chunks')),
};

/** Its job has a definition that loads. */
async function openJob(context: TestContext): Promise<Fixture> {
  const fixture = await openFixture(context);
  const definition = defineRoutineLoad({
    load: {
      columnSeparator: null,
      rowDelimiter: null,
      columns: null,
      where: null,
      partitions: null,
    },
    properties: {},
    source: { kafka_broker_list: 'kafka:9092', kafka_topic: TOPIC },
    sessionTimeZone: 'Etc/UTC',
  });
  await fixture.catalog.loadJobs.setDefinition(fixture.job.id, JSON.stringify(definition));
  return fixture;
}

/** The catalog, but for how it finds a job. */
function withJobs(catalog: Catalog, byId: LoadJobs['byId']): Catalog {
  const loadJobs = { byId };
  return new Proxy(catalog, {
    get: (target, name) => {
      const value: unknown = name === 'loadJobs' ? loadJobs : Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

for (const [what, byId] of [
  ['fails', () => Promise.reject(fail('INTERNAL', { detail: 'no metadata for figures' }))],
  ['never ends', () => deferred<never>().promise],
] as const) {
  test(`a commit is answered although looking up the label of its figures ${what}`, async (t) => {
    const fixture = await openJob(t);
    const { committer } = fixture;
    const catalog = withJobs(fixture.catalog, byId);
    const metrics = openMetrics();
    const options = { catalog, metrics, clock: systemClock, log: silentLog };
    const { commit } = new FeEndpoint(options, committer).handlers();
    const lease = await grant(fixture, 't1');
    const request = await stage(fixture, lease, [progressOf(0n, { loaded: 3 })]);
    const answer = await commit(request, CONTEXT);
    assert.equal(answer.state, 'VISIBLE');
    assert.equal(await positionOf(fixture), 3n);
    assert.match(await metrics.text(), /millrace_load_rows_total\{.*result="loaded".*\} 3/);
  });
}

test('freshness and latency are observed by job', async (t) => {
  const fixture = await openJob(t);
  const metrics = openMetrics();
  const options = { catalog: fixture.catalog, metrics, clock: systemClock, log: silentLog };
  const { commit } = new FeEndpoint(options, fixture.committer).handlers();
  const lease = await grant(fixture, 't1');
  for (const from of [0n, 3n]) {
    const request = await stage(fixture, lease, [progressOf(from, { loaded: 3 })]);
    await commit(request, CONTEXT);
  }
  // The first one's label is looked up behind its answer.
  await fixture.catalog.loadJobs.allPositions();
  const name = `millrace_routine_load_commit_seconds_count{job="${fixture.job.databaseName}.${fixture.job.name}"}`;
  assert.ok((await metrics.text()).includes(`${name} 2`), await metrics.text());
});
