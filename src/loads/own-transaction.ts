// What statements with a transaction of their own (INSERT, UPDATE, DELETE) share: a commit whose lost answer is asked
// for, an abort that may fail, the error of running out of time, and their counts.

import { present } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import { type AppError, fail } from '../base/errors.ts';
import type { TransactionId } from '../base/ids.ts';
import type { Log } from '../base/log.ts';
import type { Committer, OtherCommit } from '../commit/types.ts';
import type { StagedInsert } from '../model/insert-plan.ts';
import type { LoadFacts } from '../model/load-facts.ts';
import type { CommitResult } from '../model/load-plan.ts';
import type { Metrics } from '../telemetry/metrics.ts';

/** The transaction outlives the statement's own limit by this: it is the statement that ends first. */
export const GRACE_MS = 60_000;

export type StatementKind =
  | 'insert'
  | 'update'
  | 'delete'
  | 'replay'
  | 'transaction'
  | 'stream_load';

/** As metrics tell loads apart. */
export type LoadType = StatementKind | 'routine_load';

export interface OwnTransactionOptions {
  readonly committer: Pick<Committer, 'commitOther' | 'abort' | 'state'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Begins a transaction, and counts whether it did. Throws what `begin` throws. */
export async function countedBegin<T>(
  { metrics }: Pick<OwnTransactionOptions, 'metrics'>,
  type: LoadType,
  begin: () => Promise<T>,
): Promise<T> {
  try {
    const begun = await begin();
    metrics.add('starrocks_fe_txn_begin', 1, { type });
    return begun;
  } catch (thrown) {
    metrics.add('starrocks_fe_txn_reject', 1, { type });
    throw thrown;
  }
}

/** Notes how long a load took that became visible: its writing (null = not known) and its commit, ms. */
export function noteLatencies(
  { metrics }: Pick<OwnTransactionOptions, 'metrics'>,
  type: LoadType,
  writeMs: number | null,
  publishMs: number,
): void {
  metrics.observe('starrocks_fe_txn_publish_latency_ms', publishMs, { type });
  if (writeMs === null) return;
  metrics.observe('starrocks_fe_txn_write_latency_ms', writeMs, { type });
  metrics.observe('starrocks_fe_txn_total_latency_ms', writeMs + publishMs, { type });
}

/** Throws what commitOther throws, unless the transaction is VISIBLE all the same: its own state decides. */
export async function commitOrAsk(
  { committer, clock, metrics }: OwnTransactionOptions,
  kind: StatementKind,
  request: OtherCommit,
): Promise<CommitResult> {
  const startedMs = clock.monotonicMs();
  const { facts } = request;
  // The wall clock may have been set back meanwhile.
  const writeMs = facts === undefined ? null : Math.max(0, clock.nowMs() - facts.startedMs);
  try {
    const result = await committer.commitOther(request);
    if (result.state === 'VISIBLE')
      noteLatencies({ metrics }, kind, writeMs, clock.monotonicMs() - startedMs);
    return result;
  } catch (thrown) {
    const known = await committer.state(request.transactionId).catch(() => null);
    if (known?.state === 'VISIBLE') return known;
    throw thrown;
  } finally {
    const seconds = (clock.monotonicMs() - startedMs) / 1000;
    metrics.observe('millrace_load_commit_seconds', seconds, { kind });
  }
}

/**
 * What cannot be aborted now times out: a transaction without a commit has no effect. Returns how the transaction stands;
 * null = that is not known. VISIBLE: the answer to its commit was lost, and whoever asked for it must hear of a success.
 */
export async function abortOrExpire(
  options: OwnTransactionOptions,
  kind: StatementKind,
  transactionId: TransactionId,
  reason: string,
  facts?: LoadFacts,
): Promise<CommitResult | null> {
  const { committer, log } = options;
  const result = await committer
    .abort(transactionId, reason, facts)
    .catch((error: unknown): null => {
      log.warn('a statement could not be aborted', { kind, txn: transactionId, error });
      return null;
    });
  if (result?.state !== 'VISIBLE') countTransaction(options, kind, 'ABORTED');
  return result;
}

/** Why a transaction of EXPLAIN ANALYZE ends. */
export const ONLY_EXPLAINED = 'EXPLAIN ANALYZE: nothing of it is kept';

/** The profile with what became of the transaction. */
export function explainedLines(
  kind: StatementKind,
  transactionId: TransactionId,
  {
    profile,
    rowsLoaded,
    rowsFiltered,
  }: Pick<StagedInsert, 'profile' | 'rowsLoaded' | 'rowsFiltered'>,
  rows = rowsLoaded,
): readonly string[] {
  const end = `${kind.toUpperCase()} of ${rows} rows, ${rowsFiltered} filtered: transaction ${transactionId} is aborted, nothing changed`;
  return [...present(profile, 'the profile that was asked for'), end];
}

export function countTransaction(
  { metrics }: Pick<OwnTransactionOptions, 'metrics'>,
  kind: LoadType,
  state: CommitResult['state'],
): void {
  metrics.add('millrace_load_transactions_total', 1, { kind, state: state.toLowerCase() });
  const name = state === 'VISIBLE' ? 'starrocks_fe_txn_success' : 'starrocks_fe_txn_failed';
  metrics.add(name, 1, { type: kind });
}

export function countRows(
  { metrics }: Pick<OwnTransactionOptions, 'metrics'>,
  kind: LoadType,
  loaded: number,
  filtered: number,
): void {
  metrics.add('millrace_load_rows_total', loaded, { kind, result: 'loaded' });
  metrics.add('millrace_load_rows_total', filtered, { kind, result: 'filtered' });
  metrics.add('starrocks_be_load_rows', loaded, { type: kind });
}

/** Of the body or the messages. */
export function countBytes(
  { metrics }: Pick<OwnTransactionOptions, 'metrics'>,
  kind: LoadType,
  bytes: number,
): void {
  metrics.add('millrace_load_bytes_total', bytes, { kind });
  metrics.add('starrocks_be_load_bytes', bytes, { type: kind });
}

/** A TIMEOUT with the statement's name and limit; every other error as it is. */
export function namedTimeout(error: AppError, kind: StatementKind, timeoutMs: number): AppError {
  return error.code === 'TIMEOUT' ? timedOut(kind, timeoutMs) : error;
}

/** The statement's time is over. */
export function timedOut(kind: StatementKind, timeoutMs: number): AppError {
  const hint = 'SET insert_timeout raises it';
  return fail('TIMEOUT', { what: `the ${kind.toUpperCase()}`, timeoutMs, hint });
}
