// What every commit checks inside its SQL transaction, whatever is committed, and how a refused one ends.
// Internal to commit/.
import { fail } from '../base/errors.ts';
import { failpoint } from '../base/failpoints.ts';
import type { TableId, TransactionId } from '../base/ids.ts';
import type { Catalog, CatalogScope } from '../catalog/catalog.ts';
import type { CommitCheck } from '../catalog/commit-store.ts';
import { abortion, refusal, type TransactionRecord } from '../catalog/transactions.ts';
import type { CommitResult, StagedTable } from '../model/load-plan.ts';
import { changes } from './growth.ts';
import { aborted, answerAgain, Refused, Repeated } from './refused.ts';
import { sum } from './sum.ts';
import type { CommitLimits, OtherCommit } from './types.ts';

/** Throws LEADER_LOST unless this front end still leads. */
export function checkLeader({ leaderEpoch: epoch }: Catalog, current: number): void {
  if (current !== epoch) throw fail('LEADER_LOST', { epoch, current });
}

/** The transaction of the check. Throws LEADER_LOST, UNKNOWN_TRANSACTION. */
export function checkKnown(
  catalog: Catalog,
  transactionId: TransactionId,
  check: CommitCheck,
): TransactionRecord {
  checkLeader(catalog, check.leaderEpoch);
  if (check.transaction === null) throw fail('UNKNOWN_TRANSACTION', { transactionId });
  return check.transaction;
}

/** As checkKnown; throws Repeated where the transaction had come to an end before. */
export function checkOpen(
  catalog: Catalog,
  transactionId: TransactionId,
  check: CommitCheck,
): void {
  const transaction = checkKnown(catalog, transactionId, check);
  if (!check.moved) throw new Repeated(transaction);
}

type Staged = { readonly transactionId: TransactionId; readonly tables: readonly StagedTable[] };

/** Throws Refused where a table is gone. */
export function checkTables({ tables }: Staged, { versions }: CommitCheck): void {
  const known = new Set(versions.map(({ tableId }) => tableId));
  const gone = tables.find((table) => changes(table) && !known.has(table.tableId));
  if (gone !== undefined) throw new Refused(null, `table ${gone.tableId} was dropped`);
}

/** Throws Refused where the store of rejected rows, `rejectedTable`, would be over its limit. */
export function checkRejectedStore(
  { transactionId, tables }: Staged,
  { versions }: CommitCheck,
  rejectedTable: TableId,
  { rejectedStoreBytes: limitBytes }: CommitLimits,
): void {
  const rejected = versions.find(({ tableId }) => tableId === rejectedTable);
  if (rejected === undefined || rejected.sizeBytes <= limitBytes) return;
  const staged = tables.find((table) => table.tableId === rejectedTable);
  const addedBytes = sum(staged?.files.map((file) => file.sizeBytes) ?? []);
  const sizeBytes = rejected.sizeBytes - addedBytes;
  throw new Refused(
    fail('REJECTED_STORE_FULL', { transactionId, sizeBytes, addedBytes, limitBytes }),
  );
}

/**
 * Aborts for good what was refused; the same answer then waits for every repeat. `onAborted` runs in the same SQL
 * transaction. Throws the refusal's error, LEADER_LOST.
 */
export async function refuse(
  catalog: Catalog,
  { transactionId, facts }: Pick<OtherCommit, 'transactionId' | 'facts'>,
  refused: Refused,
  onAborted: (scope: CatalogScope) => Promise<void> = async () => undefined,
): Promise<CommitResult> {
  const attachment = refused.error === null ? abortion(facts) : refusal(refused.error, facts);
  const other = await catalog.transaction(async (scope) => {
    checkLeader(catalog, await scope.commits.currentLeaderEpoch());
    if (!(await scope.commits.abort(transactionId, refused.message, attachment))) {
      return await scope.transactions.find(transactionId);
    }
    await onAborted(scope);
    return null;
  });
  failpoint('commit.after-refusal');
  // A copy of the request came to an end in between: its answer counts.
  if (other !== null) return answerAgain(other);
  if (refused.error !== null) throw refused.error;
  return aborted;
}
