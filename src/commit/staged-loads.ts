// Transactions of several loads before they commit: begun without rows, each load joins with what it staged, and none
// can join any more once the transaction is closed. Every step is one metadata transaction under the leader's epoch.
import { fail } from '../base/errors.ts';
import { failpoint } from '../base/failpoints.ts';
import type { TransactionId } from '../base/ids.ts';
import type { Catalog, CatalogScope } from '../catalog/catalog.ts';
import type { NewTransaction, TransactionRecord } from '../catalog/transactions.ts';
import type { StagedPart } from '../model/staged-part.ts';
import { checkLeader } from './judge.ts';
import { type RunningLimits, takeLabel } from './take-label.ts';

/** Most tables that one transaction loads. */
export const MAX_TABLES = 64;
/** Most loads of one transaction: what they staged is read at once when it commits. */
export const MAX_LOADS = 10_000;

export interface BeginSeveral
  extends Pick<NewTransaction, 'label' | 'databaseId' | 'tableId' | 'source' | 'coordinator'>,
    Required<Pick<NewTransaction, 'scope' | 'userName' | 'timeoutMs' | 'idleTimeoutMs'>> {
  readonly transactionId: TransactionId;
  /** Loads come by so many channels side by side; 0 = one after the other. */
  readonly channels: number;
}

/** A PREPARE transaction of several loads. Throws LEADER_LOST, and as takeLabel does. */
export async function beginSeveral(
  catalog: Catalog,
  { transactionId, channels, ...begin }: BeginSeveral,
  limits: RunningLimits,
): Promise<void> {
  await catalog.transaction(async (scope) => {
    checkLeader(catalog, await scope.commits.currentLeaderEpoch());
    const none = { jobId: null, taskId: null, epoch: null };
    await takeLabel(scope, transactionId, { ...begin, ...none }, limits);
    if (channels > 0) await scope.transactionChannels.create(transactionId, channels);
  });
  failpoint('begin.after-sql');
}

/**
 * A load of the transaction begins: until `addLoad` or `endLoad` no other may, or no other of its channel. Throws
 * TRANSACTION_BUSY, TRANSACTION_STATE, TRANSACTION_ABORTED, UNKNOWN_TRANSACTION, LEADER_LOST.
 */
export async function startLoad(
  catalog: Catalog,
  id: TransactionId,
  channel: number | null = null,
): Promise<void> {
  await catalog.transaction(async (scope) => {
    checkLeader(catalog, await scope.commits.currentLeaderEpoch());
    const isOpen = await scope.transactionLoads.start(id, channel !== null);
    if (!isOpen) throw await closedError(scope, id);
    if (channel === null || (await scope.transactionChannels.start(id, channel))) return;
    const channels = await scope.transactionChannels.list(id);
    if (channels[channel]?.isBusy === true) throw fail('TRANSACTION_BUSY', { transactionId: id });
    const wanted = `loaded into by channel ${channel}`;
    throw fail('TRANSACTION_STATE', { transactionId: id, state: 'PREPARING', wanted });
  });
}

/** The running load failed or gave up: the others stay. What is not open any more stays as it is. */
export async function endLoad(
  catalog: Catalog,
  id: TransactionId,
  channel: number | null = null,
): Promise<void> {
  await catalog.transaction(async (scope) => {
    checkLeader(catalog, await scope.commits.currentLeaderEpoch());
    await leave(scope, id, channel);
  });
}

/** False where the transaction is no longer open for loads, or the channel has none that runs. */
async function leave(
  scope: CatalogScope,
  id: TransactionId,
  channel: number | null,
): Promise<boolean> {
  if (channel !== null && !(await scope.transactionChannels.end(id, channel))) return false;
  return await scope.transactionLoads.end(id, channel !== null);
}

/**
 * What the running load staged joins the transaction. Returns its place, 1... Throws LIMIT_EXCEEDED,
 * TRANSACTION_STATE, TRANSACTION_ABORTED, UNKNOWN_TRANSACTION, LEADER_LOST: it has not joined then.
 */
export async function addLoad(
  catalog: Catalog,
  id: TransactionId,
  staged: StagedPart,
  channel: number | null = null,
): Promise<number> {
  const joined = await catalog.transaction(async (scope) => {
    checkLeader(catalog, await scope.commits.currentLeaderEpoch());
    if (!(await leave(scope, id, channel))) throw await closedError(scope, id);
    const { tableIds, loads, last } = await scope.transactionLoads.shape(id);
    const tables = new Set([...tableIds, staged.targetId]).size;
    checkLimit('the number of tables of a transaction', tables, MAX_TABLES);
    checkLimit('the number of loads of a transaction', loads + 1, MAX_LOADS);
    await scope.transactionLoads.add(id, { ordinal: last + 1, staged });
    return last + 1;
  });
  failpoint('transaction.after-load');
  return joined;
}

/** A load that joined is taken out again: its caller was told that it failed. */
export async function removeLoad(
  catalog: Catalog,
  id: TransactionId,
  ordinal: number,
): Promise<void> {
  await catalog.transaction(async (scope) => {
    checkLeader(catalog, await scope.commits.currentLeaderEpoch());
    await scope.transactionLoads.remove(id, ordinal);
  });
}

/**
 * PREPARE -> PREPARED: no load can join any more, and it no longer times out as fast. Once more changes nothing.
 * Throws TRANSACTION_BUSY, TRANSACTION_STATE, TRANSACTION_ABORTED, UNKNOWN_TRANSACTION, LEADER_LOST.
 */
export async function prepareSeveral(
  catalog: Catalog,
  id: TransactionId,
  timeoutMs: number,
): Promise<void> {
  await catalog.transaction(async (scope) => {
    checkLeader(catalog, await scope.commits.currentLeaderEpoch());
    const transaction = await known(scope, id);
    // Asked again after a lost answer.
    if (transaction.state === 'PREPARED') return;
    if (transaction.isBusy) throw await closedError(scope, id);
    if (!(await scope.commits.prepare(id, timeoutMs))) throw await closedError(scope, id);
  });
  failpoint('transaction.after-prepare');
}

function checkLimit(what: string, actual: number, limit: number): void {
  if (actual > limit) throw fail('LIMIT_EXCEEDED', { what, actual, limit });
}

async function known(scope: CatalogScope, id: TransactionId): Promise<TransactionRecord> {
  const transaction = await scope.transactions.find(id);
  if (transaction === null) throw fail('UNKNOWN_TRANSACTION', { transactionId: id });
  return transaction;
}

/** Why the transaction takes no load now. */
export async function closedError(scope: CatalogScope, id: TransactionId): Promise<Error> {
  const { state, reason, isBusy } = await known(scope, id);
  if (state === 'ABORTED')
    return fail('TRANSACTION_ABORTED', { transactionId: id, detail: reason });
  if (state === 'PREPARE' && isBusy) return fail('TRANSACTION_BUSY', { transactionId: id });
  return fail('TRANSACTION_STATE', { transactionId: id, state, wanted: 'loaded into' });
}
