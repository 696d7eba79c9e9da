// The transaction coordinator: producer ids, and for each transactional id which partitions and
// offsets its open transaction touches. Ending one is journalled first (prepare), then the markers
// are written, then the offsets become visible with the end; a crash in between is completed at start.
// SOURCE: KIP-98 "Transaction Coordinator"; KIP-360 (epoch bumps).
import type { Clock } from '../../base/clock.ts';
import { KAFKA_ERROR } from '../protocol/errors.ts';
import { encodeTransactionMarker } from '../protocol/record-batch-encoder.ts';
import type { BrokerConfig } from './config.ts';
import type { GroupOffsets, OffsetCommit } from './groups/group-offsets.ts';
import type { JournalEntry, JournalValue, KeyedJournal } from './keyed-journal.ts';
import type { TopicStore } from './topic-store.ts';

const MAX_EPOCH = 32_766;
const PRODUCER_ID_BLOCK = 1000;
const PRODUCER_KEY = JSON.stringify(['producer-ids']);

type Status =
  | 'Empty'
  | 'Ongoing'
  | 'PrepareCommit'
  | 'PrepareAbort'
  | 'CompleteCommit'
  | 'CompleteAbort';

/** States in which nothing hangs on the transactional id. */
const FORGETTABLE: ReadonlySet<Status> = new Set(['Empty', 'CompleteCommit', 'CompleteAbort']);

const transactionKey = (id: string): string => JSON.stringify(['transaction', id]);

interface PendingOffsets {
  readonly group: string;
  readonly positions: readonly OffsetCommit[];
}

interface Transaction {
  readonly id: string;
  producerId: bigint;
  epoch: number;
  status: Status;
  timeoutMs: number;
  startedAtMs: number;
  /** JSON of [topic, partition]. */
  partitions: Set<string>;
  offsets: PendingOffsets[];
}

export interface ProducerIdentity {
  readonly errorCode: number;
  readonly producerId: bigint;
  readonly producerEpoch: number;
}

const refusedIdentity = (errorCode: number): ProducerIdentity => ({
  errorCode,
  producerId: -1n,
  producerEpoch: -1,
});

export interface TransactionOptions {
  readonly config: BrokerConfig;
  readonly clock: Clock;
  readonly journal: KeyedJournal;
  readonly topics: TopicStore;
  readonly offsets: GroupOffsets;
}

export class Transactions {
  readonly #options: TransactionOptions;
  readonly #byId = new Map<string, Transaction>();
  #nextProducerId = 1000n;
  #reservedBelow = 1000n;

  /** Reads the journal and completes what was being ended when the broker stopped. */
  constructor(options: TransactionOptions) {
    this.#options = options;
    for (const [key, value] of options.journal.entries()) {
      const [kind, id] = JSON.parse(key) as readonly unknown[]; // written below
      if (kind === 'producer-ids') this.#nextProducerId = BigInt(String(value['next']));
      if (kind === 'transaction') this.#byId.set(String(id), loadTransaction(String(id), value));
    }
    this.#reservedBelow = this.#nextProducerId;
    for (const one of this.#byId.values()) {
      if (one.status === 'PrepareCommit' || one.status === 'PrepareAbort') this.#complete(one);
    }
  }

  #newProducerId(): bigint {
    if (this.#nextProducerId >= this.#reservedBelow) {
      this.#reservedBelow = this.#nextProducerId + BigInt(PRODUCER_ID_BLOCK);
      this.#options.journal.put([[PRODUCER_KEY, { next: String(this.#reservedBelow) }]]);
    }
    const id = this.#nextProducerId;
    this.#nextProducerId += 1n;
    return id;
  }

  /** Identity of a producer; of a transactional one the epoch grows, which fences its predecessor. */
  initProducer(
    transactionalId: string | null,
    timeoutMs: number,
    claimed: { readonly producerId: bigint; readonly producerEpoch: number },
  ): ProducerIdentity {
    if (transactionalId === null) {
      return { errorCode: 0, producerId: this.#newProducerId(), producerEpoch: 0 };
    }
    if (transactionalId === '') return refusedIdentity(KAFKA_ERROR.INVALID_REQUEST);
    if (timeoutMs <= 0 || timeoutMs > this.#options.config.transactionMaxTimeoutMs) {
      return refusedIdentity(KAFKA_ERROR.INVALID_TRANSACTION_TIMEOUT);
    }
    const known = this.#byId.get(transactionalId);
    if (known !== undefined && claimed.producerId >= 0n) {
      if (claimed.producerId !== known.producerId || claimed.producerEpoch < known.epoch) {
        return refusedIdentity(KAFKA_ERROR.PRODUCER_FENCED);
      }
    }
    const one: Transaction = known ?? {
      id: transactionalId,
      producerId: this.#newProducerId(),
      epoch: -1,
      status: 'Empty',
      timeoutMs,
      startedAtMs: 0,
      partitions: new Set(),
      offsets: [],
    };
    this.#byId.set(transactionalId, one);
    this.#bumpEpoch(one);
    if (one.status === 'Ongoing') this.#end(one, false);
    else if (one.status === 'PrepareCommit' || one.status === 'PrepareAbort') this.#complete(one);
    one.status = 'Empty';
    one.timeoutMs = timeoutMs;
    one.startedAtMs = this.#options.clock.nowMs();
    this.#options.journal.put([saved(one)]);
    return { errorCode: 0, producerId: one.producerId, producerEpoch: one.epoch };
  }

  #bumpEpoch(one: Transaction): void {
    if (one.epoch < MAX_EPOCH) {
      one.epoch += 1;
      return;
    }
    if (one.status === 'Ongoing') this.#end(one, false);
    one.producerId = this.#newProducerId();
    one.epoch = 0;
  }

  /** Number of the error of a call by this producer, 0 = it is the current one. */
  #problemWith(one: Transaction | undefined, producerId: bigint, epoch: number): number {
    if (one === undefined || one.producerId !== producerId) {
      return KAFKA_ERROR.INVALID_PRODUCER_ID_MAPPING;
    }
    if (one.epoch !== epoch) return KAFKA_ERROR.PRODUCER_FENCED;
    if (one.status === 'PrepareCommit' || one.status === 'PrepareAbort') {
      return KAFKA_ERROR.CONCURRENT_TRANSACTIONS;
    }
    return 0;
  }

  /** Adds partitions to the producer's transaction, beginning one where none is open. */
  addPartitions(
    id: string,
    producerId: bigint,
    epoch: number,
    partitions: readonly { readonly topic: string; readonly partition: number }[],
  ): number {
    return this.#change(id, producerId, epoch, (one) => {
      for (const { topic, partition } of partitions) {
        one.partitions.add(JSON.stringify([topic, partition]));
      }
    });
  }

  /** Offsets that become visible when the transaction commits. */
  addOffsets(
    id: string,
    producerId: bigint,
    epoch: number,
    group: string,
    commits: readonly OffsetCommit[],
  ): number {
    return this.#change(id, producerId, epoch, (one) =>
      one.offsets.push({ group, positions: commits }),
    );
  }

  #change(
    id: string,
    producerId: bigint,
    epoch: number,
    change: (one: Transaction) => void,
  ): number {
    const one = this.#byId.get(id);
    const problem = this.#problemWith(one, producerId, epoch);
    if (problem !== 0 || one === undefined) return problem;
    if (one.status !== 'Ongoing') {
      one.status = 'Ongoing';
      one.startedAtMs = this.#options.clock.nowMs();
      one.partitions = new Set();
      one.offsets = [];
    }
    change(one);
    this.#options.journal.put([saved(one)]);
    return 0;
  }

  /** May this producer append a transactional batch to the partition? Number of the error, 0 = yes. */
  appendProblem(
    id: string | null,
    producerId: bigint,
    epoch: number,
    topic: string,
    partition: number,
  ): number {
    const one = id === null ? undefined : this.#byId.get(id);
    if (one === undefined || one.producerId !== producerId) {
      return KAFKA_ERROR.INVALID_PRODUCER_ID_MAPPING;
    }
    if (epoch < one.epoch) return KAFKA_ERROR.INVALID_PRODUCER_EPOCH;
    const added = one.partitions.has(JSON.stringify([topic, partition]));
    return one.status === 'Ongoing' && added ? 0 : KAFKA_ERROR.INVALID_TXN_STATE;
  }

  /** Ends the producer's transaction; asked again after a lost answer it says the same. */
  end(id: string, producerId: bigint, epoch: number, commit: boolean): number {
    const one = this.#byId.get(id);
    const problem = this.#problemWith(one, producerId, epoch);
    const retried = problem === KAFKA_ERROR.CONCURRENT_TRANSACTIONS;
    if (one === undefined || (problem !== 0 && !retried)) return problem;
    const wanted = commit ? 'Commit' : 'Abort';
    if (one.status === `Complete${wanted}`) return 0;
    if (one.status === `Prepare${wanted}`) this.#complete(one);
    else if (one.status === 'Ongoing') this.#end(one, commit);
    // Aborting before the first record is no error: there is nothing to do.
    else return one.status === 'Empty' && !commit ? 0 : KAFKA_ERROR.INVALID_TXN_STATE;
    return 0;
  }

  #end(one: Transaction, commit: boolean): void {
    one.status = commit ? 'PrepareCommit' : 'PrepareAbort';
    this.#options.journal.put([saved(one)]);
    this.#complete(one);
  }

  /** Writes the missing markers, then makes end and offsets true together. */
  #complete(one: Transaction): void {
    const { topics, offsets, journal, clock } = this.#options;
    const commit = one.status === 'PrepareCommit';
    for (const place of one.partitions) {
      const [topic, partition] = JSON.parse(place) as readonly [string, number]; // made in addPartitions
      const log = topics.partition(topic, partition);
      if (log === undefined || !log.hasOpenTransaction(one.producerId)) continue;
      const marker = encodeTransactionMarker(commit ? 'commit' : 'abort', {
        producerId: one.producerId,
        producerEpoch: one.epoch,
        timestampMs: clock.nowMs(),
      });
      log.appendMarker(marker);
    }
    const pending = commit ? one.offsets : [];
    one.status = commit ? 'CompleteCommit' : 'CompleteAbort';
    one.partitions = new Set();
    one.offsets = [];
    const entries = pending.flatMap(({ group, positions }) => offsets.entriesFor(group, positions));
    journal.put([saved(one), ...entries]);
    for (const { group, positions } of pending) offsets.apply(group, positions);
  }

  /** True while an open transaction holds an offset of this partition that is not visible yet. */
  hasPendingOffset(group: string, topic: string, partition: number): boolean {
    for (const one of this.#byId.values()) {
      for (const pending of one.offsets) {
        if (pending.group !== group) continue;
        if (pending.positions.some((c) => c.topic === topic && c.partition === partition))
          return true;
      }
    }
    return false;
  }

  /** Aborts transactions open for longer than their producer said; forgets ids long out of use. */
  maintain(nowMs: number): void {
    for (const one of [...this.#byId.values()]) {
      const ageMs = nowMs - one.startedAtMs;
      if (one.status === 'Ongoing' && ageMs > one.timeoutMs) {
        this.#bumpEpoch(one);
        if (one.status === 'Ongoing') this.#end(one, false);
      } else if (FORGETTABLE.has(one.status) && ageMs > this.#options.config.offsetsRetentionMs) {
        this.#options.journal.put([[transactionKey(one.id), null]]);
        this.#byId.delete(one.id);
      }
    }
  }
}

function saved(one: Transaction): JournalEntry {
  const value: JournalValue = {
    producerId: String(one.producerId),
    epoch: one.epoch,
    status: one.status,
    timeoutMs: one.timeoutMs,
    startedAtMs: one.startedAtMs,
    partitions: [...one.partitions],
    offsets: one.offsets.map((pending) =>
      JSON.stringify(pending, (_, field) => (typeof field === 'bigint' ? String(field) : field)),
    ),
  };
  return [transactionKey(one.id), value];
}

/** The reverse of saved(). */
function loadTransaction(id: string, value: JournalValue): Transaction {
  const list = (name: string): readonly string[] => {
    const items = value[name];
    return Array.isArray(items) ? items.map(String) : [];
  };
  return {
    id,
    producerId: BigInt(String(value['producerId'])),
    epoch: Number(value['epoch']),
    status: String(value['status']) as Status,
    timeoutMs: Number(value['timeoutMs']),
    startedAtMs: Number(value['startedAtMs']),
    partitions: new Set(list('partitions')),
    offsets: list('offsets').map(loadPending),
  };
}

function loadPending(text: string): PendingOffsets {
  const pending = JSON.parse(text) as PendingOffsets; // offsets are strings here: see saved()
  return {
    group: pending.group,
    positions: pending.positions.map((commit) => ({ ...commit, offset: BigInt(commit.offset) })),
  };
}
