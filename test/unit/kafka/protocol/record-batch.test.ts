// The decoder against our own encoder: columns, positions, counts, transactions, gaps, damage.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { crc32c } from '@node-rs/crc32';
import fc from 'fast-check';
import { AppError } from '../../../../src/base/errors.ts';
import type { AbortedTransaction } from '../../../../src/kafka/protocol/aborted-producers.ts';
import { BATCH } from '../../../../src/kafka/protocol/batch-header.ts';
import {
  DEFAULT_DECODE_LIMITS,
  type DecodeInput,
  type DecodeLimits,
  DecodeWorkspace,
  RecordCursor,
} from '../../../../src/kafka/protocol/record-batch.ts';
import {
  type BatchOptions,
  encodeRecordBatch,
  encodeTransactionMarker,
  type RecordToEncode,
} from '../../../../src/kafka/protocol/record-batch-encoder.ts';
import { readRecordHeaders } from '../../../../src/kafka/protocol/record-headers.ts';

interface Row {
  offset: bigint;
  key: string | null;
  value: string | null;
  timestampMs: number;
  headers: { key: string; value: string | null }[];
}

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const text = (data: Buffer, start: number, length: number): string | null =>
  length === -1 ? null : data.toString('latin1', start, start + length);

function input(records: Buffer, more: Partial<DecodeInput> = {}): DecodeInput {
  return {
    topic: 't',
    partition: 3,
    records,
    fromOffset: 0n,
    isolation: 'read_committed',
    abortedTransactions: [],
    ...more,
  };
}

function readAll(cursor: RecordCursor): Row[] {
  const rows: Row[] = [];
  for (let run = cursor.next(); run !== null; run = cursor.next()) {
    for (let i = 0; i < run.count; i += 1) {
      const at = (column: Int32Array | Float64Array): number => Number(column[i]);
      rows.push({
        offset: run.baseOffset + BigInt(at(run.offsetDelta)),
        key: text(run.data, at(run.keyStart), at(run.keyLength)),
        value: text(run.data, at(run.valueStart), at(run.valueLength)),
        timestampMs: at(run.timestampMs),
        headers: readRecordHeaders(run.data, at(run.headersStart), at(run.headersLength)).map(
          (header) => ({ key: header.key, value: header.value?.toString('latin1') ?? null }),
        ),
      });
    }
  }
  return rows;
}

function decode(records: Buffer, more: Partial<DecodeInput> = {}, limits?: DecodeLimits) {
  const cursor = new RecordCursor(new DecodeWorkspace(limits));
  cursor.start(input(records, more));
  const rows = readAll(cursor);
  return { rows, counts: cursor.counts, nextOffset: cursor.nextOffset };
}

const values = (...list: string[]): RecordToEncode[] => list.map((v) => ({ value: bytes(v) }));
const shown = (rows: Row[]): (string | null)[] => rows.map((row) => row.value);

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (thrown) {
    assert.ok(thrown instanceof AppError, `an AppError, not ${thrown}`);
    return thrown.code;
  }
  return 'none';
}

describe('record cursor', () => {
  const arbitraryRecord = fc.record({
    value: fc.option(fc.string({ unit: 'binary-ascii', maxLength: 200 })),
    key: fc.option(fc.string({ unit: 'binary-ascii', maxLength: 70 })),
    timestampMs: fc.integer({ min: 0, max: 4_000_000_000_000 }),
    headers: fc.array(
      fc.record({
        key: fc.string({ unit: 'binary-ascii', maxLength: 5 }),
        value: fc.option(fc.string({ unit: 'binary-ascii', maxLength: 5 })),
      }),
      { maxLength: 2 },
    ),
    gap: fc.constantFrom(0, 0, 0, 1, 200),
  });

  it('gives back what was encoded, for every codec, run size and start offset', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(arbitraryRecord, { minLength: 1, maxLength: 40 }), { maxLength: 4 }),
        fc.constantFrom('none', 'gzip', 'snappy', 'lz4', 'zstd'),
        fc.constantFrom(1, 7, 1000),
        fc.nat(60),
        (batches, compression, maxRunRecords, from) => {
          const expected: Row[] = [];
          const encoded: Buffer[] = [];
          let next = 10n;
          for (const batch of batches) {
            let delta = -1;
            const records = batch.map((record): RecordToEncode => {
              delta += 1 + record.gap;
              expected.push({
                offset: next + BigInt(delta),
                key: record.key,
                value: record.value,
                timestampMs: record.timestampMs,
                headers: record.headers.map((header) => ({ ...header })),
              });
              return {
                value: record.value === null ? null : bytes(record.value),
                key: record.key === null ? null : bytes(record.key),
                timestampMs: record.timestampMs,
                headers: record.headers.map((header) => ({
                  key: header.key,
                  value: header.value === null ? null : bytes(header.value),
                })),
                offsetDelta: delta,
              };
            });
            encoded.push(encodeRecordBatch(records, { baseOffset: next, compression }));
            next += BigInt(delta + 1);
          }
          const fromOffset = 10n + BigInt(from);
          const result = decode(
            Buffer.concat(encoded),
            { fromOffset },
            { ...DEFAULT_DECODE_LIMITS, maxRunRecords },
          );
          const wanted = expected.filter((row) => row.offset >= fromOffset);
          assert.deepEqual(result.rows, wanted);
          const end = next > fromOffset && batches.length > 0 ? next : fromOffset;
          assert.equal(result.nextOffset, end);
          assert.equal(result.counts.received, wanted.length);
          assert.equal(result.counts.gap, Number(end - fromOffset) - wanted.length);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('is at a legal position after every run', () => {
    const records = encodeRecordBatch(values('a', 'b', 'c', 'd', 'e'), { lastOffsetDelta: 9 });
    const cursor = new RecordCursor(
      new DecodeWorkspace({ ...DEFAULT_DECODE_LIMITS, maxRunRecords: 2 }),
    );
    cursor.start(input(records));
    const positions: bigint[] = [];
    while (cursor.next() !== null) positions.push(cursor.nextOffset);
    assert.deepEqual(positions, [2n, 4n, 10n]);
    assert.equal(cursor.counts.gap, 5);
  });

  it('uses the append time for all records of a log-append-time batch', () => {
    const records = encodeRecordBatch(
      [
        { value: bytes('a'), timestampMs: 5 },
        { value: bytes('b'), timestampMs: 9 },
      ],
      { logAppendTime: true },
    );
    assert.deepEqual(
      decode(records).rows.map((row) => row.timestampMs),
      [9, 9],
    );
  });

  it('leaves a partial last batch for the next fetch', () => {
    const first = encodeRecordBatch(values('a', 'b'));
    const second = encodeRecordBatch(values('c'), { baseOffset: 2n });
    for (let cut = 0; cut < second.length; cut += 1) {
      const result = decode(Buffer.concat([first, second.subarray(0, cut)]));
      assert.deepEqual(shown(result.rows), ['a', 'b']);
      assert.equal(result.nextOffset, 2n);
    }
  });

  it('refuses a first batch that is cut off', () => {
    const batch = encodeRecordBatch(values('a', 'b'));
    for (let cut = 1; cut < batch.length; cut += 1)
      assert.equal(
        codeOf(() => decode(batch.subarray(0, cut))),
        'KAFKA_CORRUPT_MESSAGE',
      );
    assert.deepEqual(decode(Buffer.alloc(0)).rows, []);
  });

  it('passes over gaps: an empty batch and a batch that lost its head and tail to compaction', () => {
    const records = Buffer.concat([
      encodeRecordBatch([], { baseOffset: 0n, lastOffsetDelta: 3 }),
      encodeRecordBatch([{ value: null, offsetDelta: 5 }], { baseOffset: 4n, lastOffsetDelta: 7 }),
      encodeRecordBatch(values('z'), { baseOffset: 20n }),
    ]);
    const result = decode(records);
    assert.deepEqual(
      result.rows.map((row) => [row.offset, row.value]),
      [
        [9n, null],
        [20n, 'z'],
      ],
    );
    assert.equal(result.nextOffset, 21n);
    assert.deepEqual(result.counts, { received: 2, control: 0, aborted: 0, gap: 19 });
  });

  it('moves on over a response that holds no rows at all', () => {
    const result = decode(encodeTransactionMarker('commit', { producerId: 1n, baseOffset: 7n }), {
      fromOffset: 7n,
    });
    assert.deepEqual(result.rows, []);
    assert.equal(result.nextOffset, 8n);
    assert.deepEqual(result.counts, { received: 1, control: 1, aborted: 0, gap: 0 });
  });
});

describe('read_committed', () => {
  const log = (entries: [kind: string, producerId: bigint, ...rows: string[]][]) => {
    const encoded: Buffer[] = [];
    let baseOffset = 0n;
    for (const [kind, producerId, ...rows] of entries) {
      const options: BatchOptions = { baseOffset, producerId, transactional: kind === 'txn' };
      if (kind === 'commit' || kind === 'abort') {
        encoded.push(encodeTransactionMarker(kind, { baseOffset, producerId }));
        baseOffset += 1n;
      } else {
        encoded.push(encodeRecordBatch(values(...rows), options));
        baseOffset += BigInt(rows.length);
      }
    }
    return encoded;
  };

  const twice = log([
    ['txn', 7n, 'a1', 'a2'], // 0, 1 aborted
    ['txn', 8n, 'b1'], // 2 committed
    ['plain', -1n, 'p1'], // 3
    ['abort', 7n], // 4
    ['txn', 7n, 'c1'], // 5 aborted again by the same producer
    ['commit', 8n], // 6
    ['abort', 7n], // 7
    ['txn', 7n, 'd1', 'd2'], // 8, 9 committed
    ['commit', 7n], // 10
  ]);
  const aborted: AbortedTransaction[] = [
    { producerId: 7n, firstOffset: 5n },
    { producerId: 7n, firstOffset: 0n },
  ];

  it('hides both transactions that one producer aborted in one response', () => {
    const result = decode(Buffer.concat(twice), { abortedTransactions: aborted });
    assert.deepEqual(shown(result.rows), ['b1', 'p1', 'd1', 'd2']);
    assert.deepEqual(result.counts, { received: 11, control: 4, aborted: 3, gap: 0 });
    assert.equal(result.nextOffset, 11n);
  });

  it('shows them under read_uncommitted, but no markers', () => {
    const result = decode(Buffer.concat(twice), {
      abortedTransactions: aborted,
      isolation: 'read_uncommitted',
    });
    assert.deepEqual(shown(result.rows), ['a1', 'a2', 'b1', 'p1', 'c1', 'd1', 'd2']);
    assert.deepEqual(result.counts, { received: 11, control: 4, aborted: 0, gap: 0 });
  });

  it('gives the same rows however the log is cut into responses', () => {
    // A broker lists in each response the transactions that overlap the range it returns.
    const ranges = [
      { producerId: 7n, firstOffset: 0n, lastOffset: 4n },
      { producerId: 7n, firstOffset: 5n, lastOffset: 7n },
    ];
    for (let mask = 0; mask < 1 << (twice.length - 1); mask += 1) {
      const cursor = new RecordCursor();
      const rows: (string | null)[] = [];
      const counts = { received: 0, control: 0, aborted: 0, gap: 0 };
      let fromOffset = 0n;
      let pending: Buffer[] = [];
      twice.forEach((batch, index) => {
        pending.push(batch);
        if (index < twice.length - 1 && (mask & (1 << index)) === 0) return;
        const listed = ranges.filter((range) => range.lastOffset >= fromOffset);
        cursor.start(
          input(Buffer.concat(pending), { fromOffset, abortedTransactions: listed.reverse() }),
        );
        rows.push(...shown(readAll(cursor)));
        const part = cursor.counts;
        counts.received += part.received;
        counts.control += part.control;
        counts.aborted += part.aborted;
        fromOffset = cursor.nextOffset;
        pending = [];
      });
      assert.deepEqual(rows, ['b1', 'p1', 'd1', 'd2']);
      assert.deepEqual(counts, { received: 11, control: 4, aborted: 3, gap: 0 });
    }
  });

  it('counts only what lies behind the wanted offset in an aborted batch', () => {
    for (const fromOffset of [0n, 1n]) {
      const result = decode(Buffer.concat(twice), { abortedTransactions: aborted, fromOffset });
      assert.equal(result.counts.aborted, 3 - Number(fromOffset));
      assert.equal(result.counts.received, 11 - Number(fromOffset));
      assert.equal(result.counts.gap, 0);
    }
  });

  it('hides an aborted transaction whose marker comes in a later response', () => {
    const result = decode(Buffer.concat(twice.slice(0, 1)), {
      abortedTransactions: [{ producerId: 7n, firstOffset: 0n }],
    });
    assert.deepEqual(result.rows, []);
    assert.equal(result.nextOffset, 2n);
  });
});

describe('damaged record batches', () => {
  it('gives an error or the same values for every flipped byte', () => {
    for (const compression of ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const) {
      const good = encodeRecordBatch(
        [
          { value: bytes('{"a":1}'), key: bytes('k'), timestampMs: 5 },
          { value: bytes('{"a":2}'), headers: [{ key: 'h', value: bytes('v') }] },
          { value: null, key: bytes('gone') },
        ],
        { compression },
      );
      const wanted = decode(good).rows.map(({ key, value }) => [key, value]);
      for (let at = 0; at < good.length; at += 1) {
        for (const flip of [0x01, 0x80, 0xff, 0x10]) {
          const bad = Buffer.from(good);
          bad[at] = (bad[at] ?? 0) ^ flip;
          try {
            const { rows } = decode(bad);
            assert.ok(at < BATCH.CRC, `a flip at ${at} was seen`);
            assert.deepEqual(
              rows.map(({ key, value }) => [key, value]),
              wanted,
            );
          } catch (thrown) {
            assert.ok(thrown instanceof AppError, `at ${at}: ${thrown}`);
            assert.match(thrown.code, /^KAFKA_(CORRUPT_MESSAGE|UNSUPPORTED_FORMAT)$/);
          }
        }
      }
    }
  });

  /** A batch whose contents were changed and whose checksum was then made right. */
  function resealed(batch: Buffer, change: (bad: Buffer) => void): Buffer {
    const bad = Buffer.from(batch);
    change(bad);
    bad.writeUInt32BE(crc32c(bad.subarray(BATCH.ATTRIBUTES)), BATCH.CRC);
    return bad;
  }

  it('never crashes on contents that are wrong behind a right checksum', () => {
    const good = encodeRecordBatch([
      { value: bytes('{"a":1}'), key: bytes('k'), timestampMs: 5 },
      { value: bytes('{"a":2}'), headers: [{ key: 'h', value: bytes('v') }] },
    ]);
    fc.assert(
      fc.property(
        fc.integer({ min: BATCH.ATTRIBUTES, max: good.length - 1 }),
        fc.integer({ min: 0, max: 255 }),
        (at, byte) => {
          const bad = resealed(good, (batch) => batch.writeUInt8(byte, at));
          const code = codeOf(() => decode(bad));
          assert.match(
            code,
            /^(none|KAFKA_MALFORMED_BATCH|KAFKA_UNSUPPORTED_FORMAT|KAFKA_MALFORMED_HEADERS)$/,
          );
        },
      ),
      { numRuns: 3000 },
    );
  });

  it('says which format or codec is not supported', () => {
    const good = encodeRecordBatch(values('a'));
    const old = Buffer.from(good);
    old.writeInt8(1, BATCH.MAGIC);
    assert.equal(
      codeOf(() => decode(old)),
      'KAFKA_UNSUPPORTED_FORMAT',
    );
    const codec = resealed(good, (batch) => batch.writeInt16BE(5, BATCH.ATTRIBUTES));
    assert.throws(() => decode(codec), /compression number 5/);
  });

  it('asks for a person when the same offset is corrupt three times', () => {
    const bad = encodeRecordBatch(values('a'));
    bad.writeUInt8(0xff, bad.length - 1);
    const cursor = new RecordCursor();
    const kinds = [1, 2, 3].map(() => {
      cursor.start(input(bad));
      return codeOf(() => cursor.next());
    });
    assert.deepEqual(kinds, [
      'KAFKA_CORRUPT_MESSAGE',
      'KAFKA_CORRUPT_MESSAGE',
      'KAFKA_MALFORMED_BATCH',
    ]);
  });

  it('refuses batches that overlap the one before', () => {
    const batch = encodeRecordBatch(values('a', 'b'));
    const again = encodeRecordBatch(values('b'), { baseOffset: 1n });
    assert.equal(
      codeOf(() => decode(Buffer.concat([batch, again]))),
      'KAFKA_CORRUPT_MESSAGE',
    );
  });

  it('stops at the limit of the expanded size', () => {
    const big = [{ value: Buffer.alloc(100_000, 'x') }];
    for (const compression of ['gzip', 'snappy', 'lz4', 'zstd'] as const) {
      const records = encodeRecordBatch(big, { compression });
      const limits = { ...DEFAULT_DECODE_LIMITS, maxExpandedBatchBytes: 50_000 };
      assert.equal(
        codeOf(() => decode(records, {}, limits)),
        'LIMIT_EXCEEDED',
      );
      assert.equal(decode(records).rows.length, 1);
    }
  });
});
