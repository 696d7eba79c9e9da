// What one partition remembers of its producers: sequence numbers (so that a repeated batch is not
// stored twice) and transactions (open ones hold the last stable offset back, aborted ones are
// listed to readers). It is derived from the batches in the log alone and never written before them.
// SOURCE: KIP-98; Kafka's ProducerStateManager for which sequence is taken, repeated or refused.
import {
  BATCH_HEADER_BYTES,
  type BatchHeader,
  isControl,
  isTransactional,
  nextOffsetAfter,
} from '../protocol/batch-header.ts';
import { KAFKA_ERROR } from '../protocol/errors.ts';
import { VarintReader } from '../protocol/varint-reader.ts';

/** Batches per producer that a repeat is recognised among: what a producer may have in flight. */
const REMEMBERED_BATCHES = 5;
const SEQUENCE_MODULUS = 2 ** 31;

interface RememberedBatch {
  readonly first: number;
  readonly last: number;
  readonly baseOffset: string;
}

interface Producer {
  epoch: number;
  batches: RememberedBatch[];
  lastSeenMs: number;
}

/** A transaction that ended in an abort marker at `lastOffset`. */
export interface AbortedRange {
  readonly producerId: bigint;
  readonly firstOffset: bigint;
  readonly lastOffset: bigint;
}

export type SequenceVerdict =
  | { readonly kind: 'append' }
  | { readonly kind: 'repeated'; readonly baseOffset: bigint }
  | { readonly kind: 'refused'; readonly errorCode: number };

interface SavedState {
  readonly producers: readonly (readonly [string, Producer])[];
  readonly open: readonly (readonly [string, string])[];
  readonly aborted: readonly (readonly [string, string, string])[];
}

export class ProducerTable {
  readonly #maxProducers: number;
  /** In order of last use, so that the first is the longest idle. */
  readonly #producers = new Map<bigint, Producer>();
  /** First offset of each open transaction, by producer. */
  readonly #open = new Map<bigint, bigint>();
  #aborted: AbortedRange[] = [];

  constructor(maxProducers: number) {
    this.#maxProducers = maxProducers;
  }

  /** May this batch be appended? Markers and batches without a producer always may. */
  check(header: BatchHeader): SequenceVerdict {
    if (header.producerId < 0n || isControl(header.attributes)) return { kind: 'append' };
    const known = this.#producers.get(header.producerId);
    if (known === undefined) return { kind: 'append' };
    if (header.producerEpoch < known.epoch) {
      return { kind: 'refused', errorCode: KAFKA_ERROR.INVALID_PRODUCER_EPOCH };
    }
    if (header.producerEpoch > known.epoch) {
      if (header.baseSequence === 0) return { kind: 'append' };
      return { kind: 'refused', errorCode: KAFKA_ERROR.OUT_OF_ORDER_SEQUENCE_NUMBER };
    }
    const last = lastSequence(header);
    const repeated = known.batches.find(
      (batch) => batch.first === header.baseSequence && batch.last === last,
    );
    if (repeated !== undefined)
      return { kind: 'repeated', baseOffset: BigInt(repeated.baseOffset) };
    const previous = known.batches.at(-1);
    const expected = previous === undefined ? 0 : (previous.last + 1) % SEQUENCE_MODULUS;
    if (previous === undefined || header.baseSequence === expected) return { kind: 'append' };
    return { kind: 'refused', errorCode: KAFKA_ERROR.OUT_OF_ORDER_SEQUENCE_NUMBER };
  }

  /** Takes in a batch that is in the log now. */
  note(header: BatchHeader, bytes: Buffer): void {
    if (header.producerId < 0n) return;
    if (isControl(header.attributes)) {
      this.#noteMarker(header, bytes);
      return;
    }
    const known = this.#producers.get(header.producerId);
    const producer: Producer =
      known === undefined || known.epoch !== header.producerEpoch
        ? { epoch: header.producerEpoch, batches: [], lastSeenMs: 0 }
        : known;
    producer.lastSeenMs = Number(header.maxTimestamp);
    producer.batches.push({
      first: header.baseSequence,
      last: lastSequence(header),
      baseOffset: String(header.baseOffset),
    });
    if (producer.batches.length > REMEMBERED_BATCHES) producer.batches.shift();
    this.#remember(header.producerId, producer);
    if (isTransactional(header.attributes) && !this.#open.has(header.producerId)) {
      this.#open.set(header.producerId, header.baseOffset);
    }
  }

  #noteMarker(header: BatchHeader, bytes: Buffer): void {
    const known = this.#producers.get(header.producerId);
    if (known === undefined || known.epoch < header.producerEpoch) {
      this.#remember(header.producerId, {
        epoch: header.producerEpoch,
        batches: [],
        lastSeenMs: Number(header.maxTimestamp),
      });
    }
    const firstOffset = this.#open.get(header.producerId);
    if (firstOffset === undefined) return;
    this.#open.delete(header.producerId);
    if (!isAbortMarker(bytes)) return;
    const lastOffset = nextOffsetAfter(header) - 1n;
    this.#aborted.push({ producerId: header.producerId, firstOffset, lastOffset });
  }

  #remember(producerId: bigint, producer: Producer): void {
    this.#producers.delete(producerId);
    this.#producers.set(producerId, producer);
    if (this.#producers.size <= this.#maxProducers) return;
    const idle = this.#producers.keys().next();
    if (!idle.done) this.#producers.delete(idle.value);
  }

  isOpen(producerId: bigint): boolean {
    return this.#open.has(producerId);
  }

  /** Offset that read_committed readers stop before. */
  lastStableOffset(nextOffset: bigint): bigint {
    let stable = nextOffset;
    for (const firstOffset of this.#open.values()) if (firstOffset < stable) stable = firstOffset;
    return stable;
  }

  /** Aborted transactions with an offset in [from, to). */
  abortedBetween(from: bigint, to: bigint): readonly AbortedRange[] {
    if (this.#aborted.length === 0) return this.#aborted;
    return this.#aborted.filter((range) => range.lastOffset >= from && range.firstOffset < to);
  }

  /** Forgets aborted transactions that end below the start of the log. */
  forgetBefore(logStart: bigint): void {
    if (this.#aborted.some((range) => range.lastOffset < logStart)) {
      this.#aborted = this.#aborted.filter((range) => range.lastOffset >= logStart);
    }
  }

  save(): SavedState {
    return {
      producers: [...this.#producers].map(([id, producer]) => [String(id), producer] as const),
      open: [...this.#open].map(([id, first]) => [String(id), String(first)] as const),
      aborted: this.#aborted.map(
        (range) =>
          [String(range.producerId), String(range.firstOffset), String(range.lastOffset)] as const,
      ),
    };
  }

  /** Takes over what save() gave; only into a fresh table. */
  load(saved: SavedState): void {
    for (const [id, producer] of saved.producers) {
      this.#producers.set(BigInt(id), { ...producer, batches: [...producer.batches] });
    }
    for (const [id, first] of saved.open) this.#open.set(BigInt(id), BigInt(first));
    this.#aborted = saved.aborted.map(([id, first, last]) => ({
      producerId: BigInt(id),
      firstOffset: BigInt(first),
      lastOffset: BigInt(last),
    }));
  }
}

export type SavedProducerTable = SavedState;

/** Sequence of the batch's last record; numbers start again at 0 after 2^31 - 1. */
function lastSequence(header: BatchHeader): number {
  return (header.baseSequence + header.lastOffsetDelta) % SEQUENCE_MODULUS;
}

/** A control record's key is [int16 version][int16 type]; type 0 = abort, 1 = commit. */
function isAbortMarker(bytes: Buffer): boolean {
  const reader = new VarintReader();
  reader.reset(bytes, BATCH_HEADER_BYTES);
  reader.int32(); // record length
  reader.position += 1; // record attributes
  reader.int64AsNumber(); // timestamp delta
  reader.int32(); // offset delta
  const keyLength = reader.int32();
  return keyLength >= 4 && bytes.readInt16BE(reader.position + 2) === 0;
}
