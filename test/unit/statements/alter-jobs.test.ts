// Jobs of ALTER TABLE that write values anew, beside loads: files that come meanwhile are written anew, too, what was
// planned over the old columns is refused, a job can be cancelled, goes on after a restart, and a table has one at a time.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { present } from '../../../src/base/assert.ts';
import { AppError } from '../../../src/base/errors.ts';
import { silentLog } from '../../../src/base/log.ts';
import { deferred } from '../../../src/base/queue.ts';
import { systemRandom } from '../../../src/base/random.ts';
import type { AlterJob } from '../../../src/catalog/alter-job-store.ts';
import type { RewriteJobOptions, RewriteNode } from '../../../src/commit/rewrite-job.ts';
import { CatalogTurns } from '../../../src/commit/turn.ts';
import type { OtherCommit } from '../../../src/commit/types.ts';
import type { DataFile, TableInfo } from '../../../src/model/table.ts';
import type { AlterTable } from '../../../src/sql/ast/ddl.ts';
import { parseStatement } from '../../../src/sql/parse.ts';
import { AlterJobs } from '../../../src/statements/alter-jobs.ts';
import { CLICKS, type Fixture, openFixture, stagedFile } from '../../support/catalog-fixture.ts';

const MOMENT = { timeZone: 'Etc/UTC', nowMs: 0 };

/** A table with one value column, and two files. */
async function setUp(t: { after(work: () => unknown): void }): Promise<{
  readonly fixture: Fixture;
  readonly table: TableInfo;
}> {
  const fixture = await openFixture(t);
  const [uid] = CLICKS.columns;
  const table = await fixture.catalog.tables.create({
    ...CLICKS,
    name: 'changed',
    columns: [
      present(uid, 'a key'),
      { ...present(uid, 'a key'), name: 'v', isKey: false, nullable: true },
    ],
  });
  for (let file = 0; file < 2; file += 1) await commit(fixture, table);
  return { fixture, table };
}

/** An INSERT of ten rows that was planned over the table as given. */
async function staged(fixture: Fixture, table: TableInfo): Promise<OtherCommit> {
  const { transactionId } = await fixture.committer.beginOther({
    label: systemRandom.uuid(),
    databaseId: table.databaseId,
    tableId: table.id,
    source: 'INSERT_STREAMING',
    coordinator: 'FE: me',
  });
  const files = [stagedFile(fixture, table, transactionId, 10)];
  return {
    transactionId,
    tableId: table.id,
    rewrittenVersion: table.rewrittenVersion ?? 0,
    tables: [{ tableId: table.id, files }],
    rowsLoaded: 10,
    rowsFiltered: 0,
    errorSamples: [],
  };
}

async function commit(fixture: Fixture, table: TableInfo): Promise<void> {
  const { state } = await fixture.committer.commitOther(await staged(fixture, table));
  assert.equal(state, 'VISIBLE');
}

function makeJobs(
  fixture: Fixture,
  node: Partial<RewriteNode>,
  committer: RewriteJobOptions['committer'] = fixture.committer,
): { readonly jobs: AlterJobs; readonly changed: Promise<void>; readonly written: DataFile[] } {
  const written: DataFile[] = [];
  const done = deferred<void>();
  const { catalog, clock } = fixture;
  const jobs = new AlterJobs({
    catalog,
    committer,
    turns: new CatalogTurns(catalog, clock),
    hooks: { onSchemaChange: async () => undefined },
    clock,
    random: systemRandom,
    log: silentLog,
    hold: () => undefined,
    onChanged: () => done.resolve(),
    node: {
      rewrite: async ({ inputs, transactionId, table }) => {
        written.push(...inputs);
        return inputs.map(({ rowCount }) => stagedFile(fixture, table, transactionId, rowCount));
      },
      rewriteDeletes: async () => null,
      ...node,
    },
  });
  return { jobs, changed: done.promise, written };
}

function alter(sql: string): AlterTable {
  const statement = parseStatement(sql);
  assert.ok(statement.kind === 'alter_table');
  return statement;
}

const TO_TEXT = alter('ALTER TABLE changed MODIFY COLUMN v VARCHAR(20)');

async function jobsOf(fixture: Fixture, table: TableInfo): Promise<readonly AlterJob[]> {
  return await fixture.catalog.alterJobs.list(table.databaseId);
}

async function current(fixture: Fixture, table: TableInfo) {
  const { entry } = present(await fixture.catalog.snapshotOf(table.id), 'the table');
  const type = entry.table.schema.columns[1]?.type.kind;
  const rows = entry.files.reduce((sum, file) => sum + file.rowCount, 0);
  return { table: entry.table, files: entry.files, type, rows };
}

const hasCode =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof AppError && error.code === code;

test('files that come while it runs are written anew, too, however late', async (t) => {
  const { fixture, table } = await setUp(t);
  let tries = 0;
  const committer: RewriteJobOptions['committer'] = {
    beginOther: (load) => fixture.committer.beginOther(load),
    abort: (id, reason) => fixture.committer.abort(id, reason),
    state: (id) => fixture.committer.state(id),
    commitRewrite: async (request, hooks) => {
      tries += 1;
      // Between the last look at the files and the commit.
      if (tries <= 3) await commit(fixture, table);
      return await fixture.committer.commitRewrite(request, hooks);
    },
  };
  const { jobs, changed, written } = makeJobs(fixture, {}, committer);
  await jobs.submit(table, TO_TEXT, MOMENT);
  await changed;
  const after = await current(fixture, table);
  assert.deepEqual([after.type, after.rows, after.files.length, tries], ['VARCHAR', 50, 5, 4]);
  assert.equal(new Set(written.map(({ id }) => id)).size, 5);
  assert.equal(written.length, 5, 'none twice');
  assert.deepEqual((await fixture.catalog.audit.table(table.id)).problems, []);
  assert.equal(after.table.rewrittenVersion, 7);
  assert.deepEqual(
    (await jobsOf(fixture, table)).map(({ state }) => state),
    ['FINISHED'],
  );
  const [change] = await fixture.catalog.schemas.changes(table.databaseId);
  assert.equal(change?.id, (await jobsOf(fixture, table))[0]?.id);
  await jobs.stop();
});

test('what was planned over the old columns is refused; planned anew it is not', async (t) => {
  const { fixture, table } = await setUp(t);
  const { jobs, changed } = makeJobs(fixture, {});
  await jobs.submit(table, TO_TEXT, MOMENT);
  await changed;
  await assert.rejects(
    fixture.committer.commitOther(await staged(fixture, table)),
    hasCode('TABLE_REWRITTEN'),
  );
  const after = await current(fixture, table);
  await commit(fixture, after.table);
  assert.equal((await current(fixture, table)).rows, 30);
  const before = { unit: 'VERSION', point: 3 } as const;
  await assert.rejects(fixture.committer.rollback(table.id, before), hasCode('VERSION_REWRITTEN'));
  await jobs.stop();
});

test('a job that is cancelled leaves the table as it was; meanwhile there is no other', async (t) => {
  const { fixture, table } = await setUp(t);
  const begun = deferred<void>();
  const { jobs } = makeJobs(fixture, {
    rewrite: (_, { signal }) => {
      begun.resolve();
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
      });
    },
  });
  await jobs.submit(table, TO_TEXT, MOMENT);
  await begun.promise;
  await assert.rejects(jobs.submit(table, TO_TEXT, MOMENT), hasCode('ALTER_RUNNING'));
  await assert.rejects(
    fixture.committer.changeSchema(
      table.id,
      ({ schema, distributedBy }, nextFieldId) => ({ schema, distributedBy, nextFieldId }),
      { onSchemaChange: async () => undefined },
    ),
    hasCode('ALTER_RUNNING'),
  );
  const [job] = await jobsOf(fixture, table);
  assert.equal(job?.state, 'RUNNING');
  assert.equal(await jobs.cancel(table.id, [job.id + 1]), false);
  assert.equal(await jobs.cancel(table.id, [job.id]), true);
  await jobs.stop();
  const [ended] = await jobsOf(fixture, table);
  assert.deepEqual([ended?.state, ended?.message], ['CANCELLED', 'user cancelled']);
  assert.equal((await current(fixture, table)).type, 'BIGINT');
  const id = present(job.transactionId, 'its transaction');
  assert.equal((await fixture.catalog.transactions.find(id))?.state, 'ABORTED');
  assert.equal(await jobs.cancel(table.id, []), false);
});

test('a restart goes on with it, under another transaction', async (t) => {
  const { fixture, table } = await setUp(t);
  const begun = deferred<void>();
  const stuck = makeJobs(fixture, {
    rewrite: (_, { signal }) => {
      begun.resolve();
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
      });
    },
  });
  await stuck.jobs.submit(table, TO_TEXT, MOMENT);
  await begun.promise;
  const [first] = await jobsOf(fixture, table);
  await stuck.jobs.stop();
  const { jobs, changed } = makeJobs(fixture, {});
  await jobs.start();
  await changed;
  const [second] = await jobsOf(fixture, table);
  assert.equal(second?.state, 'FINISHED');
  assert.notEqual(second.transactionId, first?.transactionId);
  assert.equal((await current(fixture, table)).type, 'VARCHAR');
  await jobs.stop();
});
