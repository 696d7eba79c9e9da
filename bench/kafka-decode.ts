// Rows per CPU-second of the record batch decoder on an in-memory Fetch response of click messages.
// Baseline: copying the same value bytes one Buffer.copy per row, which no decoder can go below.
// Run: node bench/kafka-decode.ts [--json] [--rows N] [--repeats N]
import { parseArgs } from 'node:util';
import type { CompressionName } from '../src/kafka/protocol/batch-header.ts';
import { RecordCursor } from '../src/kafka/protocol/record-batch.ts';
import { encodeRecordBatch } from '../src/kafka/protocol/record-batch-encoder.ts';

const { values: args } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    rows: { type: 'string', default: '1000000' },
    repeats: { type: 'string', default: '5' },
  },
});
const rowCount = Number(args.rows);
const repeats = Number(args.repeats);
const BATCH_ROWS = 10_000;
const START_MS = 1_700_000_000_000;

/** A click message of about 80 bytes, like the walk-through's generator makes. */
function click(index: number): Buffer {
  const uid = (index * 2654435761) % 10_000;
  const site = ['https://docs.example.com/', 'https://www.example.com/'][index % 2];
  return Buffer.from(
    JSON.stringify({ uid, site, vtime: Math.floor(START_MS / 1000) + (index % 86_400) }),
  );
}

function response(compression: CompressionName): Buffer {
  const batches: Buffer[] = [];
  for (let from = 0; from < rowCount; from += BATCH_ROWS) {
    const records = Array.from({ length: Math.min(BATCH_ROWS, rowCount - from) }, (_, i) => ({
      value: click(from + i),
      timestampMs: START_MS + (from + i) / 100,
    })).map((record) => ({ ...record, timestampMs: Math.floor(record.timestampMs) }));
    batches.push(encodeRecordBatch(records, { baseOffset: BigInt(from), compression }));
  }
  return Buffer.concat(batches);
}

/** CPU seconds (user + system) of one call. */
function cpuSeconds(action: () => void): number {
  const before = process.cpuUsage();
  action();
  const used = process.cpuUsage(before);
  return (used.user + used.system) / 1e6;
}

function decodeAll(cursor: RecordCursor, records: Buffer, out: Buffer | null): number {
  let rows = 0;
  cursor.start({
    topic: 'bench',
    partition: 0,
    records,
    fromOffset: 0n,
    isolation: 'read_committed',
    abortedTransactions: [],
  });
  for (let run = cursor.next(); run !== null; run = cursor.next()) {
    rows += run.count;
    if (out === null) continue;
    let at = 0;
    for (let i = 0; i < run.count; i += 1) {
      const start = run.valueStart[i] ?? 0;
      const length = run.valueLength[i] ?? 0;
      run.data.copy(out, at, start, start + length);
      at += length + 1;
    }
  }
  return rows;
}

const results: object[] = [];
const cursor = new RecordCursor();
const out = Buffer.alloc(16 * 1024 * 1024);
for (const compression of ['none', 'lz4', 'snappy', 'zstd', 'gzip'] as const) {
  const records = response(compression);
  const decodes: number[] = [];
  const withCopy: number[] = [];
  for (let repeat = 0; repeat <= repeats; repeat += 1) {
    const decoded = cpuSeconds(() => {
      if (decodeAll(cursor, records, null) !== rowCount) throw new Error('rows are missing');
    });
    const copied = cpuSeconds(() => decodeAll(cursor, records, out));
    // The first repeat warms the code up.
    if (repeat > 0) {
      decodes.push(decoded);
      withCopy.push(copied);
    }
  }
  decodes.sort((a, b) => a - b);
  withCopy.sort((a, b) => a - b);
  const middle = Math.floor(repeats / 2);
  const seconds = decodes[middle] ?? Number.NaN;
  const copySeconds = withCopy[middle] ?? Number.NaN;
  const result = {
    name: `kafka-decode-${compression}`,
    rows: rowCount,
    cpuSeconds: seconds,
    cpuSecondsMin: decodes[0],
    rowsPerCpuSecond: Math.round(rowCount / seconds),
    rowsPerCpuSecondWithCopy: Math.round(rowCount / copySeconds),
    baseline: 'decode and copy of each value',
    ratio: Number((copySeconds / seconds).toFixed(2)),
    responseBytes: records.length,
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
    runs: repeats,
  };
  results.push(result);
  if (!args.json) {
    console.log(
      `${result.name.padEnd(22)} ${(result.rowsPerCpuSecond / 1e6).toFixed(2)} M rows/cpu-s decode, ` +
        `${(result.rowsPerCpuSecondWithCopy / 1e6).toFixed(2)} M with copying the values ` +
        `(${(records.length / 1e6).toFixed(0)} MB response)`,
    );
  }
}
if (args.json) for (const result of results) console.log(JSON.stringify(result));
