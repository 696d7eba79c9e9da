// Looks into record batches where the broker must: the exact record of a timestamp, and the keys that
// compaction decides by. Never on the way of produce or fetch.
// SOURCE: Kafka documentation, "Record".
import { crc32c } from '@node-rs/crc32';
import { fail } from '../../base/errors.ts';
import { compress, expand } from '../../formats/compression/compression.ts';
import {
  ATTRIBUTE,
  BATCH,
  BATCH_HEADER_BYTES,
  BATCH_LENGTH_PREFIX_BYTES,
  type BatchHeader,
  compressionOf,
} from '../protocol/batch-header.ts';
import { VarintReader } from '../protocol/varint-reader.ts';

const MAX_EXPANDED_BYTES = 256 * 1024 * 1024;

export interface RecordView {
  readonly offset: bigint;
  readonly timestampMs: number;
  /** null = the record has no key. A slice of the (expanded) batch. */
  readonly key: Buffer | null;
  readonly isTombstone: boolean;
  /** The record as stored, its length included. */
  readonly raw: Buffer;
}

/** The records of a batch, in order. @throws KAFKA_MALFORMED where the batch does not parse */
export function* recordsOf(bytes: Buffer, header: BatchHeader): Generator<RecordView> {
  const payload = expandedRecords(bytes, header);
  const reader = new VarintReader();
  reader.reset(payload, 0);
  for (let index = 0; index < header.count; index += 1) {
    const from = reader.position;
    const length = reader.int32();
    const end = reader.position + length;
    reader.position += 1; // attributes
    const timestampDelta = reader.int64AsNumber();
    const offsetDelta = reader.int32();
    const keyLength = reader.int32();
    const keyAt = reader.position;
    reader.position += Math.max(keyLength, 0);
    const valueLength = reader.int32();
    if (reader.broken || length < 0 || end > payload.length || reader.position > end) {
      throw fail('KAFKA_MALFORMED', { detail: `record ${index} of batch ${header.baseOffset}` });
    }
    const logAppendTime = (header.attributes & ATTRIBUTE.LOG_APPEND_TIME) !== 0;
    yield {
      offset: header.baseOffset + BigInt(offsetDelta),
      timestampMs: logAppendTime
        ? Number(header.maxTimestamp)
        : Number(header.baseTimestamp) + timestampDelta,
      key: keyLength < 0 ? null : payload.subarray(keyAt, keyAt + keyLength),
      isTombstone: valueLength < 0,
      raw: payload.subarray(from, end),
    };
    reader.position = end;
  }
}

function expandedRecords(bytes: Buffer, header: BatchHeader): Buffer {
  const stored = bytes.subarray(BATCH_HEADER_BYTES, header.totalBytes);
  const compression = compressionOf(header.attributes);
  if (compression === undefined) {
    throw fail('KAFKA_MALFORMED', { detail: `compression of batch ${header.baseOffset}` });
  }
  return compression === 'none' ? stored : expand(compression, stored, MAX_EXPANDED_BYTES);
}

/**
 * The batch with only `kept` records (raw, in order) left. Offsets, timestamps, producer and the
 * offsets it covers stay as they were, so the missing records become gaps.
 */
export function batchWithRecords(
  bytes: Buffer,
  header: BatchHeader,
  kept: readonly Buffer[],
): Buffer {
  const compression = compressionOf(header.attributes) ?? 'none';
  const plain = Buffer.concat(kept);
  const payload = compression === 'none' ? plain : compress(compression, plain);
  const batch = Buffer.concat([bytes.subarray(0, BATCH_HEADER_BYTES), payload]);
  batch.writeInt32BE(batch.length - BATCH_LENGTH_PREFIX_BYTES, BATCH.LENGTH);
  batch.writeInt32BE(kept.length, BATCH.COUNT);
  batch.writeUInt32BE(crc32c(batch.subarray(BATCH.ATTRIBUTES)), BATCH.CRC);
  return batch;
}

/** Stamps the batch with the broker's time, as message.timestamp.type=LogAppendTime asks. In place. */
export function stampLogAppendTime(batch: Buffer, attributes: number, nowMs: number): void {
  batch.writeInt16BE(attributes | ATTRIBUTE.LOG_APPEND_TIME, BATCH.ATTRIBUTES);
  batch.writeBigInt64BE(BigInt(nowMs), BATCH.MAX_TIMESTAMP);
  batch.writeUInt32BE(crc32c(batch.subarray(BATCH.ATTRIBUTES)), BATCH.CRC);
}
