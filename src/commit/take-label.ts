// How every transaction begins: it takes its label, unless too many run already. All in the metadata transaction of the
// beginning, so that no two take the last place.
import { fail } from '../base/errors.ts';
import type { TransactionId } from '../base/ids.ts';
import { isBody, isLimited } from '../catalog/begin-store.ts';
import type { CatalogScope } from '../catalog/catalog.ts';
import type { NewTransaction } from '../catalog/transactions.ts';

/** How many transactions may run at once. */
export interface RunningLimits {
  /** Of a database, but for tasks of Routine Load, compactions and the server's own. */
  readonly perDatabase: number;
  /** Loads with bodies of a compute node; negative = any number. */
  readonly perNode: number;
}

/**
 * Throws TXN_LIMIT_OF_NODE, LABEL_ALREADY_EXISTS, TXN_LIMIT_OF_DATABASE, in this order: whoever asks again with the label
 * of a load that came through hears of that. SOURCE: StarRocks FE, loadTxnBegin and beginTransaction.
 */
export async function takeLabel(
  scope: CatalogScope,
  id: TransactionId,
  transaction: NewTransaction,
  { perDatabase, perNode }: RunningLimits,
): Promise<void> {
  const { label, source, databaseId, coordinator } = transaction;
  const { holder, running } = await scope.begins.begin(id, transaction);
  const { ofDatabase, bodiesOfCoordinator } = running;
  if (isBody(source) && perNode >= 0 && bodiesOfCoordinator >= perNode) {
    const node = coordinator.replace(/^\w+: /, '');
    throw fail('TXN_LIMIT_OF_NODE', { node, count: bodiesOfCoordinator, limit: perNode });
  }
  if (holder !== null) throw fail('LABEL_ALREADY_EXISTS', { label, transactionId: holder });
  if (isLimited(source) && ofDatabase >= perDatabase) {
    throw fail('TXN_LIMIT_OF_DATABASE', { databaseId, count: ofDatabase, limit: perDatabase });
  }
}
