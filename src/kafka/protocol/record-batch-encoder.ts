// Writes record batches of format v2: for tests, the demo and the benchmarks' producer. Everything a
// broker may hold can be written, also markers, gaps and aborted transactions' batches.
// SOURCE: Kafka documentation, "Record Batch" and "Control Batches".
import { crc32c } from '@node-rs/crc32';
import { assert } from '../../base/assert.ts';
import { compress } from '../../formats/compression/compression.ts';
import {
  ATTRIBUTE,
  BATCH,
  BATCH_HEADER_BYTES,
  BATCH_LENGTH_PREFIX_BYTES,
  COMPRESSION_NAMES,
  type CompressionName,
} from './batch-header.ts';

export interface RecordToEncode {
  readonly value: Uint8Array | null;
  readonly key?: Uint8Array | null;
  /** Milliseconds since the epoch; the batch's `timestampMs` when left out. */
  readonly timestampMs?: number;
  readonly headers?: readonly { readonly key: string; readonly value: Uint8Array | null }[];
  /** Offset within the batch; one more than the record before when left out. A larger one leaves a gap. */
  readonly offsetDelta?: number;
}

export interface BatchOptions {
  readonly baseOffset?: bigint;
  /** Timestamp of records without one of their own. */
  readonly timestampMs?: number;
  readonly compression?: CompressionName;
  readonly leaderEpoch?: number;
  readonly producerId?: bigint;
  readonly producerEpoch?: number;
  readonly baseSequence?: number;
  readonly transactional?: boolean;
  readonly control?: boolean;
  readonly logAppendTime?: boolean;
  /** The last record's when left out; a larger one is what compaction of the batch's tail leaves. */
  readonly lastOffsetDelta?: number;
}

/** One whole batch, header and checksum included. */
export function encodeRecordBatch(
  records: readonly RecordToEncode[],
  options: BatchOptions = {},
): Buffer {
  const batchMs = options.timestampMs ?? 0;
  const baseMs = records[0]?.timestampMs ?? batchMs;
  const writer = new RecordWriter(BATCH_HEADER_BYTES);
  let lastDelta = -1;
  let maxMs = baseMs;
  for (const record of records) {
    const delta = record.offsetDelta ?? lastDelta + 1;
    assert(delta > lastDelta, 'offset deltas of a batch grow');
    const timestampMs = record.timestampMs ?? batchMs;
    writer.record(record, delta, timestampMs - baseMs);
    lastDelta = delta;
    if (timestampMs > maxMs) maxMs = timestampMs;
  }
  const compression = options.compression ?? 'none';
  const plain = writer.finish();
  const batch =
    compression === 'none'
      ? plain
      : Buffer.concat([
          plain.subarray(0, BATCH_HEADER_BYTES),
          compress(compression, plain.subarray(BATCH_HEADER_BYTES)),
        ]);
  const lastOffsetDelta = options.lastOffsetDelta ?? Math.max(lastDelta, 0);
  writeHeader(batch, options, { count: records.length, lastOffsetDelta, baseMs, maxMs });
  return batch;
}

/** The header block of one record, as `readRecordHeaders` reads it. */
export function encodeRecordHeaders(headers: NonNullable<RecordToEncode['headers']>): Buffer {
  const writer = new RecordWriter(0);
  writer.headers(headers);
  return writer.finish();
}

/** The marker that ends a producer's transaction in a partition: one offset, no row. */
export function encodeTransactionMarker(
  kind: 'commit' | 'abort',
  options: BatchOptions & { readonly producerId: bigint },
): Buffer {
  const key = Buffer.from([0, 0, 0, kind === 'commit' ? 1 : 0]);
  const value = Buffer.from([0, 0, 0, 0, 0, 0]);
  return encodeRecordBatch([{ key, value }], { ...options, transactional: true, control: true });
}

function writeHeader(
  batch: Buffer,
  options: BatchOptions,
  facts: { count: number; lastOffsetDelta: number; baseMs: number; maxMs: number },
): void {
  const attributes =
    COMPRESSION_NAMES.indexOf(options.compression ?? 'none') |
    (options.logAppendTime === true ? ATTRIBUTE.LOG_APPEND_TIME : 0) |
    (options.transactional === true ? ATTRIBUTE.TRANSACTIONAL : 0) |
    (options.control === true ? ATTRIBUTE.CONTROL : 0);
  batch.writeBigInt64BE(options.baseOffset ?? 0n, BATCH.BASE_OFFSET);
  batch.writeInt32BE(batch.length - BATCH_LENGTH_PREFIX_BYTES, BATCH.LENGTH);
  batch.writeInt32BE(options.leaderEpoch ?? -1, BATCH.LEADER_EPOCH);
  batch.writeInt8(2, BATCH.MAGIC);
  batch.writeInt16BE(attributes, BATCH.ATTRIBUTES);
  batch.writeInt32BE(facts.lastOffsetDelta, BATCH.LAST_OFFSET_DELTA);
  batch.writeBigInt64BE(BigInt(facts.baseMs), BATCH.BASE_TIMESTAMP);
  batch.writeBigInt64BE(BigInt(facts.maxMs), BATCH.MAX_TIMESTAMP);
  batch.writeBigInt64BE(options.producerId ?? -1n, BATCH.PRODUCER_ID);
  batch.writeInt16BE(options.producerEpoch ?? -1, BATCH.PRODUCER_EPOCH);
  batch.writeInt32BE(options.baseSequence ?? -1, BATCH.BASE_SEQUENCE);
  batch.writeInt32BE(facts.count, BATCH.COUNT);
  batch.writeUInt32BE(crc32c(batch.subarray(BATCH.ATTRIBUTES)), BATCH.CRC);
}

const MAX_VARINT_BYTES = 5;

/** Appends records to a buffer that grows; starts with room for the header. */
class RecordWriter {
  #buffer: Buffer;
  #at: number;

  constructor(headerBytes: number) {
    this.#buffer = Buffer.alloc(4096);
    this.#at = headerBytes;
  }

  record(record: RecordToEncode, offsetDelta: number, timestampDeltaMs: number): void {
    const key = record.key ?? null;
    const { value } = record;
    const headers = record.headers ?? [];
    let size = 1 + varintBytes(timestampDeltaMs) + varintBytes(offsetDelta);
    size += fieldBytes(key) + fieldBytes(value) + varintBytes(headers.length);
    const headerKeys = headers.map((header) => Buffer.from(header.key, 'utf8'));
    headers.forEach((header, index) => {
      size += fieldBytes(headerKeys[index] ?? null) + fieldBytes(header.value);
    });
    this.#reserve(size + MAX_VARINT_BYTES);
    this.#varint(size);
    this.#buffer[this.#at] = 0;
    this.#at += 1;
    this.#varint(timestampDeltaMs);
    this.#varint(offsetDelta);
    this.#field(key);
    this.#field(value);
    this.headers(headers);
  }

  headers(headers: NonNullable<RecordToEncode['headers']>): void {
    this.#reserve(MAX_VARINT_BYTES);
    this.#varint(headers.length);
    for (const { key, value } of headers) {
      const name = Buffer.from(key, 'utf8');
      this.#reserve(fieldBytes(name) + fieldBytes(value));
      this.#field(name);
      this.#field(value);
    }
  }

  finish(): Buffer {
    return this.#buffer.subarray(0, this.#at);
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#at + bytes));
    this.#buffer.copy(larger, 0, 0, this.#at);
    this.#buffer = larger;
  }

  #varint(value: number): void {
    let rest = zigzag(value);
    while (rest >= 128) {
      this.#buffer[this.#at] = (rest % 128) | 128;
      this.#at += 1;
      rest = Math.floor(rest / 128);
    }
    this.#buffer[this.#at] = rest;
    this.#at += 1;
  }

  #field(bytes: Uint8Array | null): void {
    this.#varint(bytes === null ? -1 : bytes.length);
    if (bytes === null) return;
    this.#buffer.set(bytes, this.#at);
    this.#at += bytes.length;
  }
}

function zigzag(value: number): number {
  return value < 0 ? -value * 2 - 1 : value * 2;
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = zigzag(value); rest >= 128; rest = Math.floor(rest / 128)) bytes += 1;
  return bytes;
}

function fieldBytes(bytes: Uint8Array | null): number {
  return bytes === null ? 1 : varintBytes(bytes.length) + bytes.length;
}
