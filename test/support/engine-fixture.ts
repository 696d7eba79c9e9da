// A DuckDB engine in a temporary directory, and a reader of MySQL text row packets, for tests.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { systemClock } from '../../src/base/clock.ts';
import { DeleteBitmaps } from '../../src/engine/delete-bitmaps.ts';
import { type Engine, type EngineOptions, openEngine } from '../../src/engine/duckdb.ts';
import type { FileResolver, SourceReader } from '../../src/engine/plan-sources.ts';
import { withTempDirectory } from './object-store-contract.ts';

/** Opens an engine for one test and closes it; `directory` is empty and, for a query engine, readable. */
export async function withEngine(
  options: Partial<EngineOptions>,
  work: (engine: Engine, directory: string) => Promise<void>,
): Promise<void> {
  await withTempDirectory(async (directory) => {
    const engine = await openEngine({
      role: 'loader',
      threads: 2,
      memoryLimitBytes: 256 * 1024 * 1024,
      tempDirectory: join(directory, 'spill'),
      maxTempBytes: 256 * 1024 * 1024,
      allowedDirectories: [directory],
      statementsAtOnce: 4,
      maxWaiting: 100,
      clock: systemClock,
      ...options,
    });
    try {
      await work(engine, directory);
    } finally {
      await engine.close();
    }
  });
}

/** A reader of sources whose files lie where `resolve` says. */
export function readerOf(resolve: FileResolver): SourceReader {
  return { resolve, deletes: new DeleteBitmaps(resolve, 1024 * 1024) };
}

/** Text rows out of concatenated row packets; checks that sequence ids run on from `firstSequence`. */
export function readRows(
  packets: Buffer,
  columns: number,
  firstSequence: number,
): (Buffer | null)[][] {
  const rows: (Buffer | null)[][] = [];
  let sequence = firstSequence;
  let payloads: Buffer[] = [];
  for (let at = 0; at < packets.length; ) {
    const length = packets.readUIntLE(at, 3);
    assert.equal(packets[at + 3], sequence & 0xff, 'sequence id');
    sequence += 1;
    payloads.push(packets.subarray(at + 4, at + 4 + length));
    at += 4 + length;
    if (length === 0xffffff) continue;
    rows.push(readRow(Buffer.concat(payloads), columns));
    payloads = [];
  }
  assert.equal(payloads.length, 0, 'whole rows');
  return rows;
}

function readRow(payload: Buffer, columns: number): (Buffer | null)[] {
  const values: (Buffer | null)[] = [];
  let at = 0;
  while (at < payload.length) {
    const first = payload.readUInt8(at);
    at += 1;
    if (first === 0xfb) {
      values.push(null);
      continue;
    }
    const width = first === 0xfc ? 2 : first === 0xfd ? 3 : first === 0xfe ? 8 : 0;
    const length = width === 0 ? first : payload.readUIntLE(at, Math.min(width, 6));
    at += width;
    values.push(payload.subarray(at, at + length));
    at += length;
  }
  assert.equal(values.length, columns, 'values in a row');
  return values;
}
