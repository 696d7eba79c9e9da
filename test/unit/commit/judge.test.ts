// A refused commit, and what happens between its refusal and the abort that makes the refusal last: a copy of the request
// that gets through, or is refused for another reason; another front end that took over; the loss of the answer. All
// three kinds of commit end one transaction once, and every copy of a request gets the same answer.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { present } from '../../../src/base/assert.ts';
import { AppError } from '../../../src/base/errors.ts';
import { armFailpoints } from '../../../src/base/failpoints.ts';
import { silentLog } from '../../../src/base/log.ts';
import { seededRandom, systemRandom } from '../../../src/base/random.ts';
import type { Catalog } from '../../../src/catalog/catalog.ts';
import { openCatalog } from '../../../src/catalog/open.ts';
import { CatalogCommitter } from '../../../src/commit/committer.ts';
import { CatalogTurns } from '../../../src/commit/turn.ts';
import { type Committer, DEFAULT_COMMIT_LIMITS } from '../../../src/commit/types.ts';
import { Inserts } from '../../../src/loads/insert/service.ts';
import type { CommitResult } from '../../../src/model/load-plan.ts';
import { openMetrics } from '../../../src/telemetry/metrics.ts';
import {
  carryOn,
  type Fixture,
  grant,
  openFixture,
  progressOf,
  stage,
  stagedFile,
  visibleRows,
} from '../../support/catalog-fixture.ts';

const LIMIT_BYTES = 150;
/** More rejected rows than fit: the second batch of this size is refused. */
const BATCH_BYTES = 100;

/** The catalog; before the second transaction of the commit, the one that aborts, `between` runs. */
function interposed(catalog: Catalog, between: () => Promise<void>): Catalog {
  let count = 0;
  const transaction: Catalog['transaction'] = async (work) => {
    count += 1;
    if (count === 2) await between();
    return await catalog.transaction(work);
  };
  return new Proxy(catalog, {
    get(target, name) {
      if (name === 'transaction') return transaction;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

function committerOf({ rejected }: Fixture, catalog: Catalog): CatalogCommitter {
  const limits = { ...DEFAULT_COMMIT_LIMITS, rejectedStoreBytes: LIMIT_BYTES };
  return new CatalogCommitter({ catalog, rejectedTable: rejected.id, limits });
}

type Send = (committer: Committer) => Promise<CommitResult>;

interface Kind {
  readonly name: string;
  /** A request that is refused as things are. */
  refused(fixture: Fixture): Promise<Send>;
  /** Makes that it would get through. */
  mend(fixture: Fixture): Promise<void>;
  readonly code: string | null;
  /** What a new front end says of a transaction that was open. */
  readonly afterRestart: 'ABORTED' | 'LEASE_LOST';
}

async function openTransaction(fixture: Fixture, source: 'INSERT_STREAMING' | 'LAKE_COMPACTION') {
  const { table } = fixture;
  const { transactionId } = await fixture.committer.beginOther({
    label: systemRandom.uuid(),
    databaseId: table.databaseId,
    tableId: table.id,
    source,
    coordinator: 'FE: me',
  });
  return transactionId;
}

async function insertOf(fixture: Fixture): Promise<Send> {
  const { table, rejected } = fixture;
  const transactionId = await openTransaction(fixture, 'INSERT_STREAMING');
  const request = {
    transactionId,
    tableId: table.id,
    tables: [
      { tableId: table.id, files: [stagedFile(fixture, table, transactionId, 5)] },
      {
        tableId: rejected.id,
        files: [stagedFile(fixture, rejected, transactionId, 1, BATCH_BYTES)],
      },
    ],
    rowsLoaded: 5,
    rowsFiltered: 1,
    errorSamples: ['bad'],
  };
  return (committer) => committer.commitOther(request);
}

async function routineLoadOf(fixture: Fixture): Promise<Send> {
  const positions = await fixture.catalog.loadJobs.positions(fixture.job.id);
  const from = present(positions[0], 'the partition').nextOffset;
  const lease = await grant(fixture, `task-${from}`);
  const progress = [progressOf(from, { loaded: 5, filtered: 1 })];
  const request = await stage(fixture, lease, progress, { rejectedBytes: BATCH_BYTES });
  return (committer) => committer.commit(request, carryOn);
}

async function fillThen(fixture: Fixture, make: (fixture: Fixture) => Promise<Send>) {
  const first = await make(fixture);
  assert.equal((await first(committerOf(fixture, fixture.catalog))).state, 'VISIBLE');
  return await make(fixture);
}

const emptyStore = async ({ committer, rejected }: Fixture): Promise<void> => {
  await committer.truncate(rejected.id);
};

const KINDS: readonly Kind[] = [
  {
    name: 'INSERT',
    code: 'REJECTED_STORE_FULL',
    afterRestart: 'ABORTED',
    refused: (fixture) => fillThen(fixture, insertOf),
    mend: emptyStore,
  },
  {
    name: 'Routine Load',
    code: 'REJECTED_STORE_FULL',
    afterRestart: 'LEASE_LOST',
    refused: (fixture) => fillThen(fixture, routineLoadOf),
    mend: emptyStore,
  },
  {
    name: 'compaction',
    // The table is gone: aborted, and no error.
    code: null,
    afterRestart: 'ABORTED',
    refused: async (fixture) => {
      const { table } = fixture;
      const insert = await insertOf(fixture);
      await insert(committerOf(fixture, fixture.catalog));
      const found = present(await fixture.catalog.snapshotOf(table.id), 'the table');
      const inputs = found.entry.files.map(({ id }) => id);
      const turn = await new CatalogTurns(fixture.catalog, fixture.clock).acquire(table.id, {
        rank: 'COMPACTION',
        holder: 'me',
        leaseMs: 60_000,
        waitMs: 0,
      });
      const transactionId = await openTransaction(fixture, 'LAKE_COMPACTION');
      const request = {
        transactionId,
        tableId: table.id,
        turn,
        inputs,
        deletedRows: 0,
        overlaidRows: 0,
        outputs: [stagedFile(fixture, table, transactionId, 5)],
        carried: null,
      };
      await fixture.catalog.tables.drop(table.databaseName, table.name);
      return (committer) => committer.commitCompaction(request);
    },
    mend: ({ catalog, table }) => catalog.recycleBin.recoverTable(table.databaseName, table.name),
  },
];

/** The answer or the code of the error. */
async function answerOf(result: Promise<CommitResult>): Promise<string> {
  try {
    return (await result).state;
  } catch (error) {
    if (error instanceof AppError) return error.code;
    throw error;
  }
}

for (const kind of KINDS) {
  const refusal = kind.code ?? 'ABORTED';
  describe(`a refused commit of ${kind.name}`, () => {
    test('a refusal lasts: every copy gets it, also after what stood in the way is gone', async (t) => {
      const fixture = await openFixture(t);
      const send = await kind.refused(fixture);
      const { catalog } = fixture;
      assert.equal(await answerOf(send(committerOf(fixture, catalog))), refusal);
      await kind.mend(fixture);
      const before = await visibleRows(fixture, fixture.table);
      assert.equal(await answerOf(send(committerOf(fixture, catalog))), refusal);
      assert.equal(await visibleRows(fixture, fixture.table), before);
    });

    test('copies that are refused side by side all get the refusal', async (t) => {
      const fixture = await openFixture(t);
      const send = await kind.refused(fixture);
      const committer = committerOf(fixture, fixture.catalog);
      const answers = await Promise.all([1, 2, 3, 4].map(() => answerOf(send(committer))));
      assert.deepEqual(answers, [refusal, refusal, refusal, refusal]);
    });

    test('a copy that was refused in between: both have one answer, and it is counted once', async (t) => {
      const fixture = await openFixture(t);
      const send = await kind.refused(fixture);
      const plain = committerOf(fixture, fixture.catalog);
      let copy = '';
      const racing = interposed(fixture.catalog, async () => {
        copy = await answerOf(send(plain));
      });
      assert.equal(await answerOf(send(committerOf(fixture, racing))), refusal);
      assert.equal(copy, refusal);
      const job = present(await fixture.catalog.loadJobs.byId(fixture.job.id), 'the job');
      assert.equal(job.counters.abortedTaskNum, kind.name === 'Routine Load' ? 1 : 0);
    });

    test('a copy that got through in between: its answer counts', async (t) => {
      const fixture = await openFixture(t);
      const send = await kind.refused(fixture);
      const plain = committerOf(fixture, fixture.catalog);
      const before = await visibleRows(fixture, fixture.table);
      let copy: CommitResult | null = null;
      const racing = interposed(fixture.catalog, async () => {
        await kind.mend(fixture);
        copy = await send(plain);
      });
      const result = await send(committerOf(fixture, racing));
      assert.equal(result.state, 'VISIBLE');
      assert.deepEqual(result, copy);
      assert.equal(await visibleRows(fixture, fixture.table), kind.code === null ? 5 : before + 5);
      assert.deepEqual(await send(plain), result);
    });

    test('another front end that took over in between: nothing is aborted by the old one', async (t) => {
      const fixture = await openFixture(t);
      const send = await kind.refused(fixture);
      const { catalog, dataDir, clock } = fixture;
      const racing = interposed(catalog, async () => {
        await fixture.reopen();
      });
      // The old front end lost its metadata, or its leadership: the caller asks the new one.
      await assert.rejects(send(committerOf(fixture, racing)));
      assert.equal(await answerOf(send(committerOf(fixture, fixture.catalog))), kind.afterRestart);
      await fixture.catalog.close();
      fixture.catalog = await openCatalog({ dataDir, clock, random: systemRandom });
      assert.equal(await answerOf(send(committerOf(fixture, fixture.catalog))), kind.afterRestart);
    });

    test('the answer of a refusal gets lost: asked again, it is the refusal', async (t) => {
      const fixture = await openFixture(t);
      const send = await kind.refused(fixture);
      t.after(() => armFailpoints(''));
      armFailpoints('commit.after-refusal=error');
      const committer = committerOf(fixture, fixture.catalog);
      await assert.rejects(send(committer), /failpoint/);
      armFailpoints('');
      assert.equal(await answerOf(send(committer)), refusal);
    });
  });
}

test('INSERT whose refusal gets lost fails, and its label can be used again', async (t) => {
  const fixture = await openFixture(t);
  const first = await insertOf(fixture);
  await first(committerOf(fixture, fixture.catalog));
  t.after(() => armFailpoints(''));
  armFailpoints('commit.after-refusal=error');
  const { table, rejected, clock } = fixture;
  const inserts = new Inserts({
    committer: committerOf(fixture, fixture.catalog),
    clock,
    random: seededRandom(1),
    log: silentLog,
    metrics: openMetrics(),
    coordinator: 'FE: me',
    stage: async ({ transactionId }) => ({
      tables: [
        { tableId: table.id, files: [stagedFile(fixture, table, transactionId, 5)] },
        {
          tableId: rejected.id,
          files: [stagedFile(fixture, rejected, transactionId, 1, BATCH_BYTES)],
        },
      ],
      rowsLoaded: 5,
      rowsFiltered: 1,
      errorSamples: [],
    }),
  });
  const before = await visibleRows(fixture, table);
  type Plan = Parameters<Inserts['run']>[0]['plan'];
  const plan = { timeoutMs: 1000, userName: 'root', target: {} } as Plan;
  const request = { table, plan, label: 'mine', signal: new AbortController().signal };
  await assert.rejects(inserts.run(request));
  assert.equal(await visibleRows(fixture, table), before);
  armFailpoints('');
  await emptyStore(fixture);
  assert.equal((await inserts.run(request)).rowsLoaded, 5);
  assert.equal(await visibleRows(fixture, table), before + 5);
});
