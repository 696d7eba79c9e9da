// Statements over a real catalog without a wire and without engines: for tests of handlers.
import type { TestContext } from 'node:test';
import { AccessControl } from '../../src/access/access-control.ts';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { systemRandom } from '../../src/base/random.ts';
import { changePartitions } from '../../src/commit/partition-commit.ts';
import { changeSchema } from '../../src/commit/schema-commit.ts';
import { loadConfig } from '../../src/config/load.ts';
import { routineLoadPartitionHooks } from '../../src/loads/routine/on-partition-change.ts';
import { routineLoadSchemaHooks } from '../../src/loads/routine/on-schema-change.ts';
import { RoutineLoads } from '../../src/loads/routine/service.ts';
import { SmallFileService } from '../../src/loads/small-files.ts';
import type { VolumeSpec } from '../../src/model/table.ts';
import { executeStatement } from '../../src/statements/execute.ts';
import type { Services, Session } from '../../src/statements/types.ts';
import { type Fixture, openFixture } from './catalog-fixture.ts';
import { ROOT } from './principals.ts';

export interface StatementRig {
  readonly session: Session;
  readonly services: Services;
  readonly checked: VolumeSpec[];
  readonly claimed: VolumeSpec[];
  readonly killed: [number, boolean][];
  sessions: Session[];
  /** Thrown by the next access check. */
  broken: Error | null;
  /** Rows, or 'ok'. */
  run(sql: string): Promise<readonly (readonly (string | null)[])[] | 'ok'>;
}

/** A session of root; `sql` is what it runs now. */
export function newSession(connectionId: number, sql: string | null): Session {
  return {
    connectionId,
    user: 'root',
    host: '127.0.0.1',
    principal: ROOT,
    connectedMs: systemClock.nowMs() - 5_000,
    database: null,
    variables: new Map(),
    userVariables: new Map(),
    prepared: new Map(),
    temporary: { used: false },
    counted: { questions: 0 },
    warnings: { left: [] },
    explicit: { transaction: null },
    running: sql === null ? null : { sql, startedMs: systemClock.nowMs() - 2_000 },
  };
}

async function noComputeNode(): Promise<never> {
  throw new Error('no CN here');
}

/** A new catalog (or that of `fixture`) with its statements; nothing answers queries. */
export async function openStatementRig(
  context: TestContext,
  fixture?: Pick<Fixture, 'catalog'>,
): Promise<StatementRig> {
  const { catalog } = fixture ?? (await openFixture(context));
  const nothing = { wake: () => undefined, forget: async () => undefined };
  const probe = {
    topics: async () => [],
    topic: async () => ({ topicId: null, partitions: [0] }),
    offsets: async () => new Map([[0, 0n]]),
  };
  const made: StatementRig = {
    session: newSession(1, null),
    checked: [],
    claimed: [],
    killed: [],
    sessions: [],
    broken: null,
    services: {
      access: await AccessControl.open(catalog),
      catalog,
      config: loadConfig([]),
      clock: systemClock,
      log: silentLog,
      smallFiles: new SmallFileService({
        catalog,
        clock: systemClock,
        limits: () => ({ maxFiles: 5, maxBytes: 1000, directory: '' }),
      }),
      nodes: {
        frontend: () => ({
          host: '127.0.0.1',
          queryPort: 9030,
          httpPort: 8030,
          startedMs: systemClock.nowMs() - 7_000,
        }),
        computeNode: () => ({ httpPort: 8041 }),
        processes: async () => ({ query: 'ok', loader: 'ok' }),
      },
      errorLogUrl: ({ kind, id }) => `http://127.0.0.1:8030/log?file=${kind}_${id}`,
      metricsText: async () => 'millrace_queries_total{result="ok"} 3\n',
      routineLoads: new RoutineLoads({
        catalog,
        probe,
        random: systemRandom,
        scheduler: nothing,
        errorLogUrl: () => '',
        unstableLimits: () => ({ nowMs: 0, thresholdSeconds: 3600 }),
      }),
      sampleTopic: async () => [],
      connections: {
        list: () => made.sessions,
        kill: (id, queryOnly) => {
          made.killed.push([id, queryOnly]);
          return id === 7;
        },
        wire: () => null,
        totals: () => ({
          connections: 1,
          maxUsed: 1,
          questions: 0,
          receivedBytes: 0,
          sentBytes: 0,
        }),
      },
      volumes: {
        check: async (volume) => {
          if (made.broken !== null) throw made.broken;
          made.checked.push(volume);
        },
        claim: async (volume) => {
          made.claimed.push(volume);
        },
      },
      readRows: async () => [],
      globals: new Map(),
      newUuid: () => systemRandom.uuid(),
      alterJobs: { submit: async () => undefined, cancel: async () => false, progress: () => null },
      compactions: { list: () => [], request: () => undefined },
      truncate: async () => {
        throw new Error('no commit here');
      },
      recoverPartition: async () => undefined,
      changePartitions: (tableId, make) =>
        changePartitions(catalog, tableId, make, routineLoadPartitionHooks),
      changeSchema: (tableId, make) => changeSchema(catalog, tableId, make, routineLoadSchemaHooks),
      rollback: async () => {
        throw new Error('no commit here');
      },
      sweep: async () => ({ files: [], timedOut: [], failures: [] }),
      checkTable: async () => ({ problems: [], objects: 0, filesRead: 0 }),
      inserts: { run: noComputeNode, explain: noComputeNode },
      changes: { run: noComputeNode, explain: noComputeNode },
      transactions: {
        begin: noComputeNode,
        load: noComputeNode,
        commit: noComputeNode,
        rollback: noComputeNode,
      },
      replays: { run: noComputeNode },
      ledgerChecks: { check: noComputeNode },
    },
    run: async (sql) => {
      const outcome = await executeStatement(
        sql,
        made.session,
        made.services,
        new AbortController().signal,
      );
      if (outcome.kind === 'query') throw new Error('a plan');
      return outcome.kind === 'rows' ? outcome.rows : 'ok';
    },
  };
  return made;
}
