// A front end in memory: transactions, positions with compare-and-set, lease epochs, and answers that
// get lost before or after their effect. It checks what the real one checks; for tests only.

import { type AppError, decodeError, fail } from '../../src/base/errors.ts';
import { asId, type TransactionId, type VolumeId } from '../../src/base/ids.ts';
import type { Random } from '../../src/base/random.ts';
import type { CommitRequest, CommitResult, PartitionProgress } from '../../src/model/load-plan.ts';
import type { CommitPort } from '../../src/pipeline/types.ts';

type State = 'PREPARE' | 'VISIBLE' | 'ABORTED';

export class FakeFrontEnd implements CommitPort {
  readonly positions = new Map<number, bigint>();
  readonly committed: CommitRequest[] = [];
  readonly failedTasks: AppError[] = [];
  readonly reported: { topic: string; partition: number; latestOffset: bigint }[] = [];
  readonly #states = new Map<TransactionId, { state: State; taskId: string }>();
  readonly #random: Random;
  /** Of 100 calls, how many lose their answer. */
  lossPercent = 0;
  epoch = 1;
  /** The commit after which the job is over. */
  pauseAfterCommits = Number.POSITIVE_INFINITY;
  #nextId = 50_000;
  #nextRowId = 1;
  onCommit: (() => void) | null = null;

  constructor(random: Random) {
    this.#random = random;
  }

  get openTransactions(): number {
    return [...this.#states.values()].filter(({ state }) => state === 'PREPARE').length;
  }

  begin: CommitPort['begin'] = async ({ taskId, epoch }) =>
    this.#call(() => {
      this.#check(taskId, epoch);
      this.#nextId += 1;
      const transactionId = asId<TransactionId>(this.#nextId);
      this.#states.set(transactionId, { state: 'PREPARE', taskId });
      return { transactionId, label: `l_${transactionId}`, volumeId: asId<VolumeId>(1) };
    });

  reserveIds: CommitPort['reserveIds'] = async ({ count }) =>
    this.#call(() => {
      const first = this.#nextRowId;
      this.#nextRowId += count;
      return { first };
    });

  commit: CommitPort['commit'] = async (request) =>
    this.#call(() => {
      const transaction = this.#states.get(request.transactionId);
      if (transaction === undefined)
        throw fail('UNKNOWN_TRANSACTION', { transactionId: request.transactionId });
      if (transaction.state !== 'PREPARE') return this.#result(transaction.state);
      try {
        this.#check(request.taskId, request.epoch);
        for (const progress of request.progress) this.#checkProgress(progress);
      } catch (thrown) {
        transaction.state = 'ABORTED';
        throw thrown;
      }
      for (const { partition, toOffset } of request.progress)
        this.positions.set(partition, toOffset);
      transaction.state = 'VISIBLE';
      this.committed.push(request);
      this.onCommit?.();
      return this.#result('VISIBLE');
    });

  transactionState: CommitPort['transactionState'] = async ({ transactionId }) =>
    this.#call(() => {
      const found = this.#states.get(transactionId);
      if (found === undefined) throw fail('UNKNOWN_TRANSACTION', { transactionId });
      return found.state === 'PREPARE' ? null : this.#result(found.state);
    });

  abort: CommitPort['abort'] = async ({ transactionId }) =>
    this.#call(() => {
      const found = this.#states.get(transactionId);
      if (found?.state === 'PREPARE') found.state = 'ABORTED';
      return {};
    });

  reportPositions: CommitPort['reportPositions'] = async ({ positions }) => {
    this.reported.push(...positions);
    return {};
  };

  taskFailed: CommitPort['taskFailed'] = async ({ error }) => {
    this.failedTasks.push(decodeError(error));
    return {};
  };

  /** Sums over all commits. */
  total(field: (progress: PartitionProgress) => number): number {
    return this.committed.flatMap((c) => c.progress).reduce((sum, p) => sum + field(p), 0);
  }

  #result(state: 'VISIBLE' | 'ABORTED'): CommitResult {
    return { state, versions: [], continueTask: this.committed.length < this.pauseAfterCommits };
  }

  #check(taskId: string, epoch: number): void {
    if (epoch !== this.epoch) throw fail('LEASE_LOST', { taskId, epoch });
  }

  #checkProgress(progress: PartitionProgress): void {
    const { topic, partition, fromOffset } = progress;
    const stored = this.positions.get(partition) ?? 0n;
    if (stored !== fromOffset)
      throw fail('POSITION_MISMATCH', { topic, partition, stored, fromOffset });
  }

  async #call<T>(effect: () => T): Promise<T> {
    await Promise.resolve();
    const lost = (): Error => fail('TIMEOUT', { what: 'the call', timeoutMs: 1, hint: '' });
    const dice = this.#random.below(200);
    if (dice < this.lossPercent) throw lost();
    const result = effect();
    if (dice >= 200 - this.lossPercent) throw lost();
    return result;
  }
}
