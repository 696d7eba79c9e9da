// Channels of transactions of several loads, before they commit: each is begun, loaded into and closed by itself. Every
// step is one metadata transaction under the leader's epoch.
import { fail } from '../base/errors.ts';
import type { TransactionId } from '../base/ids.ts';
import type { Catalog, CatalogScope } from '../catalog/catalog.ts';
import type { TransactionChannel } from '../catalog/transaction-channels.ts';
import { checkLeader } from './judge.ts';
import { closedError } from './staged-loads.ts';

/** A further channel is begun. False: it was begun before. Throws TRANSACTION_STATE, TRANSACTION_ABORTED, LEADER_LOST. */
export async function beginChannel(
  catalog: Catalog,
  id: TransactionId,
  channel: number,
): Promise<boolean> {
  return await catalog.transaction(async (scope) => {
    checkLeader(catalog, await scope.commits.currentLeaderEpoch());
    await checkOpen(scope, id);
    return await scope.transactionChannels.begin(id, channel);
  });
}

/**
 * The channel (null: each of them) takes no loads any more. Returns all as they are then. Throws TRANSACTION_BUSY
 * while a load of it runs, TRANSACTION_STATE, TRANSACTION_ABORTED, LEADER_LOST.
 */
export async function closeChannel(
  catalog: Catalog,
  id: TransactionId,
  channel: number | null,
): Promise<readonly TransactionChannel[]> {
  return await catalog.transaction(async (scope) => {
    checkLeader(catalog, await scope.commits.currentLeaderEpoch());
    await checkOpen(scope, id);
    const before = await scope.transactionChannels.list(id);
    const closed = before.filter((one) => channel === null || one.channel === channel);
    if (closed.some(({ isBusy }) => isBusy)) throw fail('TRANSACTION_BUSY', { transactionId: id });
    await scope.transactionChannels.close(id, channel);
    return await scope.transactionChannels.list(id);
  });
}

async function checkOpen(scope: CatalogScope, id: TransactionId): Promise<void> {
  const transaction = await scope.transactions.find(id);
  if (transaction?.state !== 'PREPARE') throw await closedError(scope, id);
}
