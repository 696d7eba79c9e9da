// Asks the FE to make a batch visible, whatever happens to the answers. A lost answer is never taken
// for a failure: the transaction's own state decides, and only an open one is asked for again.
import type { Clock } from '../base/clock.ts';
import { type AppError, encodeError, fail, toAppError } from '../base/errors.ts';
import { failpoint } from '../base/failpoints.ts';
import type { Log } from '../base/log.ts';
import type {
  BegunTransaction,
  CommitRequest,
  CommitResult,
  TaskAssignment,
} from '../model/load-plan.ts';
import type { CommitPort } from './types.ts';

const FIRST_BACKOFF_MS = 20;
const MAX_BACKOFF_MS = 2_000;

/** Waits longer from attempt to attempt. */
function pause(clock: Clock, attempt: number, signal: AbortSignal): Promise<void> {
  return clock.sleep(Math.min(FIRST_BACKOFF_MS * 2 ** attempt, MAX_BACKOFF_MS), signal);
}

/**
 * A transaction for a batch; repeated while the FE cannot be asked. A begun one whose answer was lost
 * stays without effect and times out. Throws LEASE_LOST, PEER_GONE, the signal's reason, user errors.
 */
export async function beginBatch(
  port: CommitPort,
  clock: Clock,
  { taskId, epoch }: TaskAssignment,
  signal: AbortSignal,
): Promise<BegunTransaction> {
  for (let attempt = 0; ; attempt += 1) {
    signal.throwIfAborted();
    try {
      return await port.begin({ taskId, epoch });
    } catch (thrown) {
      const error = toAppError(thrown);
      const final = error.kind !== 'retry' || error.code === 'LEASE_LOST';
      if (final || error.code === 'PEER_GONE') throw error;
    }
    await pause(clock, attempt, signal);
  }
}

/**
 * Commits and returns how the transaction ended. Throws what made the commit fail when it is known to
 * have no effect; the signal's reason when aborted between two tries (the effect is then unknown, and
 * the next task reads the positions anew).
 */
export async function commitBatch(
  port: CommitPort,
  clock: Clock,
  request: CommitRequest,
  signal: AbortSignal,
): Promise<CommitResult> {
  for (let attempt = 0; ; attempt += 1) {
    signal.throwIfAborted();
    try {
      failpoint('task.before-commit');
      const result = await port.commit(request);
      if (failpoint('task.after-commit') === 'lose')
        throw fail('TIMEOUT', { what: 'commit', timeoutMs: 0, hint: '' });
      return result;
    } catch (thrown) {
      const error = toAppError(thrown);
      if (error.code === 'LEASE_LOST' || error.code === 'PEER_GONE') throw error;
      const known = await stateOf(port, clock, request, signal);
      if (known?.state === 'VISIBLE') return known;
      if (known !== null && error.code === 'TIMEOUT') return known;
      if (known !== null || error.kind !== 'retry') throw error;
    }
    await pause(clock, attempt, signal);
  }
}

/**
 * Tells the FE that a task ended, until it answers: a report that got lost would leave the lease with a task
 * that is no more, and the job without one. Never rejects.
 */
export async function reportFailure(
  { port, clock, log }: { readonly port: CommitPort; readonly clock: Clock; readonly log: Log },
  { taskId, epoch }: TaskAssignment,
  error: AppError,
  signal: AbortSignal,
): Promise<void> {
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    try {
      await port.taskFailed({ taskId, epoch, error: encodeError(error) });
      return;
    } catch (thrown) {
      const refusal = toAppError(thrown);
      if (refusal.code === 'PEER_GONE') return;
      log.warn('task failure not reported yet', { task: taskId, error: refusal });
    }
    await pause(clock, attempt, signal).catch(() => undefined);
  }
}

async function stateOf(
  port: CommitPort,
  clock: Clock,
  { transactionId }: CommitRequest,
  signal: AbortSignal,
): Promise<CommitResult | null> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await port.transactionState({ transactionId });
    } catch (thrown) {
      const error = toAppError(thrown);
      if (error.kind !== 'retry' || error.code === 'PEER_GONE') throw error;
    }
    await pause(clock, attempt, signal);
  }
}
