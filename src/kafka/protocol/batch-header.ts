// Layout of the record batch v2 header (magic 2): the one place that knows its byte offsets. Reads
// headers in place; must never look into the records behind the header.
// SOURCE: Kafka documentation, "Record Batch"; KIP-98 (producer fields), KIP-101 (leader epoch).

/** Byte offset of each header field from the start of its batch. */
export const BATCH = {
  BASE_OFFSET: 0,
  /** Bytes that follow this field: the whole batch is 12 + length bytes. */
  LENGTH: 8,
  LEADER_EPOCH: 12,
  MAGIC: 16,
  /** CRC32C over everything from ATTRIBUTES to the end of the batch. */
  CRC: 17,
  ATTRIBUTES: 21,
  LAST_OFFSET_DELTA: 23,
  BASE_TIMESTAMP: 27,
  MAX_TIMESTAMP: 35,
  PRODUCER_ID: 43,
  PRODUCER_EPOCH: 51,
  BASE_SEQUENCE: 53,
  COUNT: 57,
} as const;

/** Bytes before the first record (of the compressed block, where the batch is compressed). */
export const BATCH_HEADER_BYTES = 61;
/** Bytes up to and including the length field: enough to find where the next batch starts. */
export const BATCH_LENGTH_PREFIX_BYTES = 12;
/** Least value of the length field in a whole batch. */
export const BATCH_MIN_LENGTH = BATCH_HEADER_BYTES - BATCH_LENGTH_PREFIX_BYTES;

/** Bits of the attributes field. */
export const ATTRIBUTE = {
  COMPRESSION_MASK: 0x07,
  LOG_APPEND_TIME: 0x08,
  TRANSACTIONAL: 0x10,
  CONTROL: 0x20,
  HAS_DELETE_HORIZON: 0x40,
} as const;

/** Compression names by the number in the attributes. */
export const COMPRESSION_NAMES = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
export type CompressionName = (typeof COMPRESSION_NAMES)[number];

/** A parsed batch header; timestamps in milliseconds since the epoch (-1 = none). */
export interface BatchHeader {
  readonly baseOffset: bigint;
  /** Value of the length field. */
  readonly length: number;
  /** Size of the whole batch in bytes: length + 12. */
  readonly totalBytes: number;
  readonly leaderEpoch: number;
  readonly magic: number;
  readonly crc: number;
  readonly attributes: number;
  readonly lastOffsetDelta: number;
  readonly baseTimestamp: bigint;
  readonly maxTimestamp: bigint;
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly count: number;
}

/** The header of the batch at `at`. The caller makes sure that BATCH_HEADER_BYTES are there. */
export function readBatchHeader(buffer: Buffer, at: number): BatchHeader {
  const length = buffer.readInt32BE(at + BATCH.LENGTH);
  return {
    baseOffset: buffer.readBigInt64BE(at + BATCH.BASE_OFFSET),
    length,
    totalBytes: length + BATCH_LENGTH_PREFIX_BYTES,
    leaderEpoch: buffer.readInt32BE(at + BATCH.LEADER_EPOCH),
    magic: buffer.readInt8(at + BATCH.MAGIC),
    crc: buffer.readUInt32BE(at + BATCH.CRC),
    attributes: buffer.readInt16BE(at + BATCH.ATTRIBUTES),
    lastOffsetDelta: buffer.readInt32BE(at + BATCH.LAST_OFFSET_DELTA),
    baseTimestamp: buffer.readBigInt64BE(at + BATCH.BASE_TIMESTAMP),
    maxTimestamp: buffer.readBigInt64BE(at + BATCH.MAX_TIMESTAMP),
    producerId: buffer.readBigInt64BE(at + BATCH.PRODUCER_ID),
    producerEpoch: buffer.readInt16BE(at + BATCH.PRODUCER_EPOCH),
    baseSequence: buffer.readInt32BE(at + BATCH.BASE_SEQUENCE),
    count: buffer.readInt32BE(at + BATCH.COUNT),
  };
}

/** Offset after the last one the batch covers; right also where compaction left gaps. */
export function nextOffsetAfter(header: BatchHeader): bigint {
  return header.baseOffset + BigInt(header.lastOffsetDelta) + 1n;
}

export function isTransactional(attributes: number): boolean {
  return (attributes & ATTRIBUTE.TRANSACTIONAL) !== 0;
}

export function isControl(attributes: number): boolean {
  return (attributes & ATTRIBUTE.CONTROL) !== 0;
}

/** Name of the batch's compression, undefined for a number that Kafka does not define. */
export function compressionOf(attributes: number): CompressionName | undefined {
  return COMPRESSION_NAMES[attributes & ATTRIBUTE.COMPRESSION_MASK];
}
