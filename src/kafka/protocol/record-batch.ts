// Decodes the record batches of a Fetch response (format v2) into columns, run by run, without a
// JavaScript object per record. Every batch is CRC-checked and its expanded size is bounded before a
// record of it is shown. It must never show a row of an aborted transaction under read_committed,
// nor move the position past an offset whose record it has not shown or counted.
import { crc32c } from '@node-rs/crc32';
import { AppError, fail } from '../../base/errors.ts';
import { Expander } from '../../formats/compression/compression.ts';
import { AbortedProducers, type AbortedTransaction } from './aborted-producers.ts';
import {
  ATTRIBUTE,
  BATCH,
  BATCH_HEADER_BYTES,
  BATCH_LENGTH_PREFIX_BYTES,
  BATCH_MIN_LENGTH,
  compressionOf,
  isControl,
  isTransactional,
} from './batch-header.ts';
import { VarintReader } from './varint-reader.ts';

export type Isolation = 'read_committed' | 'read_uncommitted';

export interface DecodeLimits {
  /** Most bytes one batch may have after decompression; more is LIMIT_EXCEEDED. */
  readonly maxExpandedBatchBytes: number;
  /** Most records in one run; fixes the memory of the column arrays (36 bytes a record). */
  readonly maxRunRecords: number;
}

export const DEFAULT_DECODE_LIMITS: DecodeLimits = {
  maxExpandedBatchBytes: 64 * 1024 * 1024,
  maxRunRecords: 16_384,
};

/** What one Fetch response says about one partition. */
export interface DecodeInput {
  readonly topic: string;
  readonly partition: number;
  /** The `records` field as received; may end in a partial batch, which is left for the next fetch. */
  readonly records: Buffer;
  /** Wanted offset; records of the first batch below it are passed over without being counted. */
  readonly fromOffset: bigint;
  readonly isolation: Isolation;
  /** Of this response, in any order. A broker lists all that overlap the fetched range, also those begun before it. */
  readonly abortedTransactions: readonly AbortedTransaction[];
}

/**
 * Some consecutive records of one batch as columns. The object and its arrays are reused: all of it
 * is valid only until the next call of a cursor of the same workspace. Only indexes below `count` have a meaning.
 */
export interface DecodedRun {
  /** Holds values, keys and headers: the response itself, or the batch's expanded bytes. */
  readonly data: Buffer;
  readonly count: number;
  /** Offset of record i = baseOffset + BigInt(offsetDelta[i]). */
  readonly baseOffset: bigint;
  readonly offsetDelta: Int32Array;
  /** Milliseconds since the epoch, -1 = none. */
  readonly timestampMs: Float64Array;
  readonly valueStart: Int32Array;
  /** Bytes; -1 = null value (a tombstone). */
  readonly valueLength: Int32Array;
  readonly keyStart: Int32Array;
  /** Bytes; -1 = no key. */
  readonly keyLength: Int32Array;
  /** Where the record's header block (its count first) lies; read it with `readRecordHeaders`. */
  readonly headersStart: Int32Array;
  /** Bytes; 1 = no headers. */
  readonly headersLength: Int32Array;
}

/** Counts since `start`. nextOffset - fromOffset = received + gap; rows shown = received - control - aborted. */
export interface DecodeCounts {
  readonly received: number;
  readonly control: number;
  readonly aborted: number;
  /** Offsets that hold no record (compaction). */
  readonly gap: number;
}

/** Times in a row the same offset may be found corrupt before the error asks for a person (kind user). */
const CORRUPT_ATTEMPTS = 3;
/** Least bytes of a record: length, attributes, two deltas, key length, value length, header count. */
const SMALLEST_RECORD_BYTES = 7;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** The memory that decoding needs. Cursors read one after the other may share one, never two in turns. */
export class DecodeWorkspace {
  readonly limits: DecodeLimits;
  readonly run: Mutable<DecodedRun>;
  readonly reader = new VarintReader();
  readonly expander = new Expander();

  constructor(limits: DecodeLimits = DEFAULT_DECODE_LIMITS) {
    this.limits = limits;
    const size = limits.maxRunRecords;
    this.run = {
      data: Buffer.alloc(0),
      count: 0,
      baseOffset: 0n,
      offsetDelta: new Int32Array(size),
      timestampMs: new Float64Array(size),
      valueStart: new Int32Array(size),
      valueLength: new Int32Array(size),
      keyStart: new Int32Array(size),
      keyLength: new Int32Array(size),
      headersStart: new Int32Array(size),
      headersLength: new Int32Array(size),
    };
  }
}

/**
 * Reads responses of one partition. Keep one per partition: it remembers where damage was found, to
 * tell lasting damage from passing.
 */
export class RecordCursor {
  readonly #limits: DecodeLimits;
  readonly #run: Mutable<DecodedRun>;
  readonly #reader: VarintReader;
  readonly #expander: Expander;
  #input: DecodeInput = {
    topic: '',
    partition: -1,
    records: Buffer.alloc(0),
    fromOffset: 0n,
    isolation: 'read_committed',
    abortedTransactions: [],
  };
  #aborted = new AbortedProducers([]);
  #nextOffset = 0n;
  #received = 0;
  #controlCount = 0;
  #abortedCount = 0;
  /** Where the next batch begins in `records`. */
  #batchAt = 0;
  /** Where the batch before ended: batches never overlap. */
  #lastBatchEnd = 0n;
  // -- the batch being read
  #remaining = 0;
  #recordsEnd = 0;
  #lastOffsetDelta = -1;
  #lastSeenDelta = -1;
  #skipBelowDelta = 0;
  #baseTimestampMs = 0;
  /** Timestamp of every record of a log-append-time batch, NaN for others. */
  #appendTimeMs = Number.NaN;
  /** Records are read only to be counted as aborted. */
  #hidden = false;
  // -- memory of damage, over responses
  #corruptOffset = -1n;
  #corruptTimes = 0;

  constructor(workspace: DecodeWorkspace = new DecodeWorkspace()) {
    this.#limits = workspace.limits;
    this.#run = workspace.run;
    this.#reader = workspace.reader;
    this.#expander = workspace.expander;
  }

  /** Begins a response; drops what is left of an earlier one. */
  start(input: DecodeInput): void {
    this.#input = input;
    const listed = input.isolation === 'read_committed' ? input.abortedTransactions : [];
    this.#aborted = new AbortedProducers(listed);
    this.#nextOffset = input.fromOffset;
    this.#received = 0;
    this.#controlCount = 0;
    this.#abortedCount = 0;
    this.#batchAt = 0;
    this.#lastBatchEnd = 0n;
    this.#remaining = 0;
  }

  /** A legal position to go on from: all below it was shown or counted. Grows with each `next`. */
  get nextOffset(): bigint {
    return this.#nextOffset;
  }

  get counts(): DecodeCounts {
    return {
      received: this.#received,
      control: this.#controlCount,
      aborted: this.#abortedCount,
      gap: Number(this.#nextOffset - this.#input.fromOffset) - this.#received,
    };
  }

  /**
   * The next records, null at the end of the response. Throws KAFKA_CORRUPT_MESSAGE (retry: fetch
   * again from `nextOffset`), KAFKA_MALFORMED_BATCH, KAFKA_UNSUPPORTED_FORMAT, LIMIT_EXCEEDED (user).
   */
  next(): DecodedRun | null {
    const run = this.#run;
    for (;;) {
      run.count = 0;
      if (this.#remaining === 0 && !this.#openBatch()) return null;
      if (this.#remaining === 0) continue;
      this.#readRecords();
      if (this.#hidden) {
        this.#abortedCount += run.count;
        run.count = 0;
      }
      if (run.count > 0) return run;
    }
  }

  /** Enters the next whole batch, false when there is none. `#remaining` stays 0 when it has nothing to show. */
  #openBatch(): boolean {
    const { records, fromOffset } = this.#input;
    const at = this.#batchAt;
    const batchBytes = this.#wholeBatchBytes(at);
    if (batchBytes === 0) return false;
    const end = at + batchBytes;
    if (
      crc32c(records.subarray(at + BATCH.ATTRIBUTES, end)) !== records.readUInt32BE(at + BATCH.CRC)
    )
      throw this.#corrupt('checksum does not match');
    const baseOffset = records.readBigInt64BE(at + BATCH.BASE_OFFSET);
    const lastOffsetDelta = records.readInt32BE(at + BATCH.LAST_OFFSET_DELTA);
    if (lastOffsetDelta < 0) throw this.#malformed(`last offset delta is ${lastOffsetDelta}`);
    const lastOffset = baseOffset + BigInt(lastOffsetDelta);
    // The base offset is outside the checksum, and going back would show rows twice.
    if (baseOffset < this.#lastBatchEnd)
      throw this.#corrupt(`base offset ${baseOffset} is out of order`);
    this.#lastBatchEnd = lastOffset + 1n;
    this.#batchAt = end;
    if (lastOffset < fromOffset) return true;
    this.#run.baseOffset = baseOffset;
    this.#lastOffsetDelta = lastOffsetDelta;
    this.#lastSeenDelta = -1;
    this.#skipBelowDelta = fromOffset > baseOffset ? Number(fromOffset - baseOffset) : 0;
    this.#hidden = false;
    this.#enter(at, end, lastOffset);
    if (this.#remaining === 0) this.#nextOffset = lastOffset + 1n;
    return true;
  }

  /** Size of the batch at `at`, 0 when no whole batch is left. */
  #wholeBatchBytes(at: number): number {
    const { records } = this.#input;
    const available = records.length - at;
    if (available < BATCH_LENGTH_PREFIX_BYTES) return this.#tail(available);
    const length = records.readInt32BE(at + BATCH.LENGTH);
    // Formats 0 and 1 have another layout and smaller batches, so this comes before the length check.
    const magic = available > BATCH.MAGIC ? records.readInt8(at + BATCH.MAGIC) : 2;
    if (magic === 0 || magic === 1) throw this.#unsupported(`message format v${magic}`);
    if (magic !== 2) throw this.#corrupt(`magic byte is ${magic}`);
    if (length < BATCH_MIN_LENGTH) throw this.#corrupt(`length field is ${length}`);
    const batchBytes = BATCH_LENGTH_PREFIX_BYTES + length;
    return batchBytes > available ? this.#tail(available) : batchBytes;
  }

  /** What is left is not a whole batch: right at a response's end, never for all of it. */
  #tail(available: number): 0 {
    if (this.#batchAt === 0 && available > 0)
      throw this.#corrupt(`the response holds only ${available} bytes of it`);
    return 0;
  }

  /** Decides what becomes of a checked batch: counted whole, or opened for reading its records. */
  #enter(at: number, end: number, lastOffset: bigint): void {
    const { records } = this.#input;
    const attributes = records.readInt16BE(at + BATCH.ATTRIBUTES);
    const count = records.readInt32BE(at + BATCH.COUNT);
    if (count < 0 || count > this.#lastOffsetDelta + 1)
      throw this.#malformed(`${count} records in ${this.#lastOffsetDelta + 1} offsets`);
    const producerId = records.readBigInt64BE(at + BATCH.PRODUCER_ID);
    this.#aborted.advanceTo(lastOffset);
    if (isControl(attributes)) {
      this.#expand(at, end, attributes, count);
      if (isTransactional(attributes) && this.#isAbortMarker()) this.#aborted.end(producerId);
      this.#remaining = 0;
      this.#received += count;
      this.#controlCount += count;
      return;
    }
    if (isTransactional(attributes) && this.#aborted.has(producerId)) {
      // Without reading the records only a batch that lies whole behind fromOffset can be counted.
      if (this.#skipBelowDelta === 0) {
        this.#received += count;
        this.#abortedCount += count;
        return;
      }
      this.#hidden = true;
    }
    if (count > 0) this.#expand(at, end, attributes, count);
  }

  /** Expands the batch where needed and sets the reader at its first record. */
  #expand(at: number, end: number, attributes: number, count: number): void {
    const { records } = this.#input;
    const codec = compressionOf(attributes);
    if (codec === undefined)
      throw this.#unsupported(`compression number ${attributes & ATTRIBUTE.COMPRESSION_MASK}`);
    const run = this.#run;
    let from = at + BATCH_HEADER_BYTES;
    if (codec === 'none') {
      run.data = records;
      this.#recordsEnd = end;
    } else {
      try {
        const limitBytes = this.#limits.maxExpandedBatchBytes;
        run.data = this.#expander.expand(codec, records.subarray(from, end), limitBytes);
      } catch (thrown) {
        throw this.#expandFailure(thrown);
      }
      from = 0;
      this.#recordsEnd = run.data.length;
    }
    if (count * SMALLEST_RECORD_BYTES > this.#recordsEnd - from)
      throw this.#malformed(`${count} records do not fit in ${this.#recordsEnd - from} bytes`);
    this.#reader.reset(run.data, from);
    this.#remaining = count;
    this.#baseTimestampMs = Number(records.readBigInt64BE(at + BATCH.BASE_TIMESTAMP));
    this.#appendTimeMs =
      (attributes & ATTRIBUTE.LOG_APPEND_TIME) === 0
        ? Number.NaN
        : Number(records.readBigInt64BE(at + BATCH.MAX_TIMESTAMP));
  }

  /** Whether the control batch's first record is an ABORT marker: key = int16 version, int16 type 0. */
  #isAbortMarker(): boolean {
    if (this.#remaining === 0) return false;
    const reader = this.#reader;
    const recordEnd = reader.int32() + reader.position;
    reader.position += 1;
    reader.int64AsNumber();
    reader.int32();
    const keyLength = reader.int32();
    const keyEnd = reader.position + keyLength;
    if (reader.broken || keyLength < 4 || keyEnd > recordEnd || recordEnd > this.#recordsEnd)
      throw this.#malformed('control record has no type');
    return this.#run.data.readInt16BE(reader.position + 2) === 0;
  }

  /** Fills the run with the batch's next records, up to the run's size. The hot loop. */
  #readRecords(): void {
    const run = this.#run;
    const reader = this.#reader;
    const { offsetDelta, timestampMs, valueStart, valueLength } = run;
    const { keyStart, keyLength, headersStart, headersLength } = run;
    const skipBelow = this.#skipBelowDelta;
    const recordsEnd = this.#recordsEnd;
    const capacity = offsetDelta.length;
    const baseMs = this.#baseTimestampMs;
    let lastSeen = this.#lastSeenDelta;
    let remaining = this.#remaining;
    let count = 0;
    while (remaining > 0 && count < capacity) {
      const recordBytes = reader.int32();
      const recordEnd = reader.position + recordBytes;
      if (recordEnd > recordsEnd) throw this.#malformed('a record ends behind its batch');
      reader.position += 1;
      timestampMs[count] = baseMs + reader.int64AsNumber();
      const delta = reader.int32();
      const keyBytes = reader.int32();
      keyStart[count] = reader.position;
      keyLength[count] = keyBytes;
      if (keyBytes > 0) reader.position += keyBytes;
      const valueBytes = reader.int32();
      const valueAt = reader.position;
      valueStart[count] = valueAt;
      valueLength[count] = valueBytes;
      const headersAt = valueBytes > 0 ? valueAt + valueBytes : valueAt;
      headersStart[count] = headersAt;
      headersLength[count] = recordEnd - headersAt;
      offsetDelta[count] = delta;
      if (headersAt >= recordEnd || keyBytes < -1 || valueBytes < -1 || reader.broken)
        throw this.#malformed("a record's fields do not fit its length");
      if (delta <= lastSeen) throw this.#malformed(`offset delta ${delta} follows ${lastSeen}`);
      reader.position = recordEnd;
      lastSeen = delta;
      remaining -= 1;
      // A record below the wanted offset is overwritten by the next one.
      if (delta >= skipBelow) count += 1;
    }
    if (!Number.isNaN(this.#appendTimeMs)) timestampMs.fill(this.#appendTimeMs, 0, count);
    if (remaining === 0 && reader.position !== recordsEnd)
      throw this.#malformed(`${recordsEnd - reader.position} bytes follow its last record`);
    if (lastSeen > this.#lastOffsetDelta) throw this.#malformed('an offset behind its last one');
    run.count = count;
    this.#received += count;
    this.#remaining = remaining;
    this.#lastSeenDelta = lastSeen;
    const shownTo = remaining === 0 ? this.#lastOffsetDelta : lastSeen;
    const next = run.baseOffset + BigInt(shownTo) + 1n;
    if (next > this.#nextOffset) this.#nextOffset = next;
  }

  #where(): { topic: string; partition: number; offset: bigint } {
    return {
      topic: this.#input.topic,
      partition: this.#input.partition,
      offset: this.#nextOffset,
    };
  }

  /** Damage that a second fetch may not show; after some of them at one offset it counts as lasting. */
  #corrupt(detail: string): AppError {
    const repeated = this.#corruptOffset === this.#nextOffset;
    this.#corruptTimes = repeated ? this.#corruptTimes + 1 : 1;
    this.#corruptOffset = this.#nextOffset;
    if (this.#corruptTimes >= CORRUPT_ATTEMPTS)
      return this.#malformed(`${detail} (fetched ${this.#corruptTimes} times)`);
    return fail('KAFKA_CORRUPT_MESSAGE', { ...this.#where(), detail });
  }

  /** The checksum was right: the producer wrote it so, and fetching again cannot help. */
  #malformed(detail: string): AppError {
    return fail('KAFKA_MALFORMED_BATCH', { ...this.#where(), detail });
  }

  #unsupported(what: string): AppError {
    return fail('KAFKA_UNSUPPORTED_FORMAT', { ...this.#where(), what });
  }

  #expandFailure(thrown: unknown): unknown {
    if (!(thrown instanceof AppError) || thrown.code !== 'COMPRESSED_DATA_CORRUPT') return thrown;
    return fail('KAFKA_MALFORMED_BATCH', { ...this.#where(), detail: thrown.message }, thrown);
  }
}
