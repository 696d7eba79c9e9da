// How a commit leaves its SQL transaction without changing anything, and how a final transaction is
// answered again. Internal to commit/.
import { AppError } from '../base/errors.ts';
import { readOutcome, type TransactionRecord } from '../catalog/transactions.ts';
import type { CommitResult } from '../model/load-plan.ts';

/** Rolls back; the transaction is then aborted for good. Without an error the answer is the plain ABORTED. */
export class Refused extends Error {
  readonly error: AppError | null;

  constructor(error: AppError | null, reason?: string) {
    super(reason ?? error?.message ?? 'refused');
    this.name = 'Refused';
    this.error = error;
  }
}

/** A partition that is gone refuses the batch for good: another plan has to make it anew. */
export function refusedIfGone(error: unknown): unknown {
  return error instanceof AppError && error.code === 'PARTITION_GONE' ? new Refused(error) : error;
}

/** Rolls back; the transaction was final before and is answered as it was then. */
export class Repeated extends Error {
  readonly transaction: TransactionRecord;

  constructor(transaction: TransactionRecord) {
    super(`transaction ${transaction.id} is ${transaction.state}`);
    this.name = 'Repeated';
    this.transaction = transaction;
  }
}

export const aborted: CommitResult = { state: 'ABORTED', versions: [], continueTask: false };

/** What became of a final transaction. */
export function resultOf(transaction: TransactionRecord): CommitResult {
  if (transaction.state !== 'VISIBLE') return aborted;
  const { versions, continueTask } = readOutcome(transaction.attachmentJson);
  return { state: 'VISIBLE', versions, continueTask };
}

/** The very answer that its commit gave: the result, or the error thrown again. */
export function answerAgain(transaction: TransactionRecord): CommitResult {
  const { error } = readOutcome(transaction.attachmentJson);
  if (error !== null) throw error;
  return resultOf(transaction);
}
