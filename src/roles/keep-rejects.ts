// The first rejected rows of a load or statement that failed, in a transaction of their own, for both CN processes. It
// has failed already: what cannot be kept of it is only not shown.
import { toAppError } from '../base/errors.ts';
import type { TransactionId } from '../base/ids.ts';
import type { Log } from '../base/log.ts';
import type { FeApi } from '../cluster/rpc/messages.ts';
import type { KeepRejects } from '../pipeline/types.ts';

/** A commit may wait for metadata. */
export const REJECTS_MS = 60_000;

/** The front end, as far as it is asked. */
export interface RejectsPeer {
  call(
    method: 'beginRejects',
    params: FeApi['beginRejects']['params'],
    options: { readonly timeoutMs: number },
  ): Promise<FeApi['beginRejects']['result']>;
  call(
    method: 'commitRejects',
    params: FeApi['commitRejects']['params'],
    options: { readonly timeoutMs: number },
  ): Promise<FeApi['commitRejects']['result']>;
}

export function openKeepRejects(peer: () => RejectsPeer, log: Log): KeepRejects {
  const timeoutMs = REJECTS_MS;
  return async (failed: TransactionId, stage) => {
    try {
      const own = await peer().call('beginRejects', { transactionId: failed }, { timeoutMs });
      const kept = await stage(own);
      if (kept === null) return;
      const { transactionId } = own;
      await peer().call('commitRejects', { transactionId, ...kept }, { timeoutMs });
    } catch (thrown) {
      const error = toAppError(thrown);
      log.warn('rejected rows of a load that failed were not kept', { txn: failed, error });
    }
  };
}
