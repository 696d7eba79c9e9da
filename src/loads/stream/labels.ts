// What clients ask of a label of a Stream Load: how it stands, and to cancel it. SOURCE: StarRocks FE,
// GetStreamLoadState and CancelStreamLoad.
import type { AccessControl } from '../../access/access-control.ts';
import type { Principal } from '../../access/access-view.ts';
import { fail } from '../../base/errors.ts';
import type { TransactionId } from '../../base/ids.ts';
import type { Log } from '../../base/log.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { TransactionRecord } from '../../catalog/transactions.ts';
import type { Committer } from '../../commit/types.ts';
import type { HttpAnswer, LabelRequest } from '../../model/body-load.ts';
import { labelAnswer, labelRefusal } from './answer.ts';
import { loadedDatabase } from './request.ts';

export interface LabelServices {
  readonly catalog: Catalog;
  readonly committer: Pick<Committer, 'abort'>;
  readonly access: Pick<AccessControl, 'checkLoad'>;
  readonly log: Log;
  readonly stopBody: (transactionId: TransactionId) => Promise<void>;
}

type Authenticate = () => Promise<Principal>;

const CANCELLED_BY_USER = 'user cancel';

/** `state` UNKNOWN where no load has the label. Never throws. */
export async function labelState(
  services: LabelServices,
  authenticate: Authenticate,
  request: LabelRequest,
): Promise<HttpAnswer> {
  try {
    const record = await find(services, await authenticate(), request);
    if (record === null) return labelAnswer({ state: 'UNKNOWN', reason: '' });
    return labelAnswer({ state: record.state, reason: record.reason });
  } catch (thrown) {
    return labelRefusal(thrown);
  }
}

/** Aborts the load at once; nothing of its body is read any more. Never throws. */
export async function cancelLabel(
  services: LabelServices,
  authenticate: Authenticate,
  request: LabelRequest,
): Promise<HttpAnswer> {
  const { committer, log, stopBody } = services;
  try {
    const record = await find(services, await authenticate(), request);
    if (record === null) throw fail('UNKNOWN_LABEL', { label: request.label });
    const wasFinal = record.finishMs !== null;
    const result = wasFinal ? null : await committer.abort(record.id, CANCELLED_BY_USER);
    if (wasFinal || result?.state === 'VISIBLE') {
      const state = result?.state ?? record.state;
      throw fail('TRANSACTION_FINAL', { transactionId: record.id, state });
    }
    await stopBody(record.id).catch((error: unknown) => {
      log.warn('a cancelled body could not be stopped', { txn: record.id, error });
    });
    return labelAnswer();
  } catch (thrown) {
    return labelRefusal(thrown);
  }
}

/** Throws BODY_UNKNOWN_DATABASE, BODY_NO_LABEL, NOT_AUTHORIZED where the client may not load into the label's table. */
async function find(
  { catalog, access }: LabelServices,
  principal: Principal,
  { database: name, label }: LabelRequest,
): Promise<TransactionRecord | null> {
  if (label === '') throw fail('BODY_NO_LABEL');
  const database = await loadedDatabase(catalog, name);
  const record = await catalog.transactions.byLabel(database.id, label);
  if (record === null || record.userName === principal.identity.name) return record;
  const table = record.tableId === null ? null : await catalog.tables.byId(record.tableId);
  // Of a table that is gone, or of several, only its own user may know.
  if (table === null) return null;
  await access.checkLoad(principal, name, table.name);
  return record;
}
