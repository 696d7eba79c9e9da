// What a session's transaction does between BEGIN and its end, whatever its statements do: over transactions that are
// none.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError, fail } from '../../../../src/base/errors.ts';
import {
  asId,
  type DatabaseId,
  type TableId,
  type TransactionId,
} from '../../../../src/base/ids.ts';
import { systemRandom } from '../../../../src/base/random.ts';
import type { Catalog } from '../../../../src/catalog/catalog.ts';
import type { ExplicitLoad } from '../../../../src/loads/transaction/explicit.ts';
import {
  type SqlLoad,
  type SqlTransaction,
  SqlTransactions,
} from '../../../../src/loads/transaction/sql.ts';
import type { InsertPlan } from '../../../../src/model/insert-plan.ts';
import type { CommitResult } from '../../../../src/model/load-plan.ts';
import type { StagedPart } from '../../../../src/model/staged-part.ts';
import type { TableInfo } from '../../../../src/model/table.ts';

const hasCode =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof AppError && error.code === code;

interface Rig {
  readonly calls: string[];
  readonly sql: SqlTransactions;
  readonly begin: () => Promise<SqlTransaction>;
  /** How the next load goes. */
  stage: () => Promise<void>;
  /** How the transaction stands once it is to be rolled back. */
  ended: CommitResult | null;
  /** Thrown by the next commit. */
  broken: Error | null;
}

function openRig(): Rig {
  const calls: string[] = [];
  const rig: Rig = {
    calls,
    stage: async () => undefined,
    broken: null,
    ended: null,
    begin: () => rig.sql.begin('one', null, { userName: 'ada', timeoutMs: 1000 }),
    sql: new SqlTransactions({
      catalog: {} as Catalog,
      random: systemRandom,
      coordinator: 'FE: me',
      stage: async () => assert.fail('no CN here'),
      transactions: {
        reserveId: async () => asId<TransactionId>(7),
        begin: async ({ label, scope }) => {
          calls.push(`begin ${label} ${scope}`);
        },
        load: async ({ tableId }: ExplicitLoad) => {
          calls.push(`load ${tableId}`);
          await rig.stage();
          calls.push(`loaded ${tableId}`);
          return {} as StagedPart;
        },
        commit: async () => {
          calls.push('commit');
          if (rig.broken !== null) throw rig.broken;
          return assert.fail('nobody looks at the answer') as never;
        },
        rollback: async (_id, reason) => {
          calls.push(`rollback ${reason}`);
          return rig.ended;
        },
      },
    }),
  };
  return rig;
}

function loadOf(table: number, more: { readonly database?: number; readonly partial?: true } = {}) {
  const id = asId<TableId>(table);
  const databaseId = asId<DatabaseId>(more.database ?? 1);
  return {
    kind: 'insert',
    table: { id, databaseId, databaseName: `d${databaseId}`, name: `t${table}` } as TableInfo,
    plan: { update: more.partial === true ? {} : null, timeoutMs: 1000 } as InsertPlan,
    signal: new AbortController().signal,
  } satisfies SqlLoad;
}

test('it begins with its first load, in one database', async () => {
  const rig = openRig();
  const transaction = await rig.begin();
  assert.deepEqual(rig.calls, []);
  await rig.sql.load(transaction, loadOf(1));
  await rig.sql.load(transaction, loadOf(2));
  await assert.rejects(
    rig.sql.load(transaction, loadOf(3, { database: 2 })),
    hasCode('TRANSACTION_DATABASES'),
  );
  assert.deepEqual(rig.calls, ['begin one SESSION', 'load 1', 'loaded 1', 'load 2', 'loaded 2']);
});

test('a statement waits for the one before, which may have been given up by its client', async () => {
  const rig = openRig();
  const transaction = await rig.begin();
  const held = Promise.withResolvers<void>();
  rig.stage = () => held.promise;
  const first = rig.sql.load(transaction, loadOf(1));
  const second = rig.sql.load(transaction, loadOf(2));
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  assert.deepEqual(rig.calls, ['begin one SESSION', 'load 1']);
  const ending = rig.sql.rollback(transaction, 'enough');
  rig.stage = async () => undefined;
  held.reject(fail('CANCELLED'));
  await assert.rejects(first, hasCode('CANCELLED'));
  await second;
  await ending;
  assert.ok(!transaction.written.has(asId<TableId>(1)));
});

test('whole rows and some columns go together', async () => {
  const rig = openRig();
  const transaction = await rig.begin();
  await rig.sql.load(transaction, loadOf(1, { partial: true }));
  await rig.sql.load(transaction, loadOf(1));
  await rig.sql.load(transaction, loadOf(1, { partial: true }));
  assert.deepEqual([...transaction.written], [asId<TableId>(1)]);
});

test('its end: nothing to do, nothing written, a commit that is refused', async () => {
  const untouched = openRig();
  await untouched.sql.commit(await untouched.begin());
  await untouched.sql.rollback(await untouched.begin(), 'enough');
  assert.deepEqual(untouched.calls, []);

  const failing = openRig();
  const allFailed = await failing.begin();
  failing.stage = async () => Promise.reject(fail('CANCELLED'));
  await assert.rejects(failing.sql.load(allFailed, loadOf(1)), hasCode('CANCELLED'));
  await failing.sql.commit(allFailed);
  assert.deepEqual(failing.calls.at(-1), 'rollback nothing was written');

  const refused = openRig();
  const transaction = await refused.begin();
  await refused.sql.load(transaction, loadOf(1));
  refused.broken = fail('TRANSACTION_ABORTED', { transactionId: 7, detail: 'timed out' });
  await assert.rejects(refused.sql.commit(transaction), hasCode('TRANSACTION_ABORTED'));
  // Its answer was lost, and nobody could tell at once.
  refused.ended = { state: 'VISIBLE', versions: [], continueTask: false };
  await refused.sql.commit(transaction);
  assert.match(refused.calls.at(-1) ?? '', /^rollback .*timed out/);
});
