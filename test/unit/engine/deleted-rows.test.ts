// Rows left out by bitmaps, as constants and through a table: the same rows as a plain loop over the bits gives.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { seededRandom } from '../../../src/base/random.ts';
import { type FileBitmap, liveRows } from '../../../src/engine/deleted-rows.ts';
import { LiveRowRegistry } from '../../../src/engine/live-row-function.ts';
import { quoteList } from '../../../src/model/duckdb-text.ts';
import { withEngine } from '../../support/engine-fixture.ts';

const random = seededRandom(11);

/** Bits of which one in `every` is set, in the rows from `from` to `to`. */
function bitmap(rows: number, every: number, from = 0, to = rows): Uint8Array {
  const bits = new Uint8Array(Math.ceil(rows / 8));
  for (let row = from; row < to; row += 1) {
    if (random.below(every) === 0) bits[row >> 3] = (bits[row >> 3] ?? 0) | (0x80 >> (row & 7));
  }
  return bits;
}

/** Rows that are there, and the sum of their numbers, over all files. */
function expected(sizes: readonly number[], bitmaps: readonly FileBitmap[]): readonly bigint[] {
  let count = 0n;
  let sum = 0n;
  for (const { file, bits } of bitmaps) {
    for (let row = 0; row < (sizes[file] ?? 0); row += 1) {
      if (((bits[row >> 3] ?? 0) & (0x80 >> (row & 7))) !== 0) continue;
      count += 1n;
      sum += BigInt(row) * BigInt(file + 1);
    }
  }
  return [count, sum];
}

async function check(
  sizes: readonly number[],
  bitmaps: readonly FileBitmap[],
  form: 'constants' | 'table' | 'function',
): Promise<void> {
  await withEngine({ role: 'query' }, async (engine, directory) => {
    await engine.withConnection(async (connection) => {
      const paths: string[] = [];
      for (const [file, rows] of sizes.entries()) {
        const path = join(directory, `${file}.parquet`);
        await connection.run(
          `COPY (SELECT r AS row, ${file + 1}::BIGINT AS weight FROM range(${rows}) t(r)) TO '${path}' (FORMAT parquet)`,
        );
        paths.push(path);
      }
      // Twice: names are used again for other bits.
      await liveRows(connection, 'gone', [{ file: 0, bits: new Uint8Array(1) }]);
      const registry = new LiveRowRegistry();
      registry.install(connection);
      const asked = registry.acquire(bitmaps);
      const { joinSql, conditionSql } =
        form === 'function' ? asked.live : await liveRows(connection, 'gone', bitmaps);
      assert.equal(joinSql === '', form !== 'table');
      const from = `FROM read_parquet(${quoteList(paths)}) f${joinSql} WHERE ${conditionSql}`;
      const [found] = await connection.rows(`SELECT count(*), sum(row * weight)::BIGINT ${from}`);
      assert.deepEqual(found, expected(sizes, bitmaps));
      const one = await connection.rows(`SELECT count(*) ${from} AND row = 7 AND weight = 1`);
      const isGone = ((bitmaps[0]?.bits[0] ?? 0) & 1) === 1;
      assert.deepEqual(one, [[isGone ? 0n : 1n]]);
      asked.release();
      if (form === 'function') {
        // A statement that outlived its bitmaps fails: it must not take all rows for live ones.
        await assert.rejects(connection.rows(`SELECT count(*) ${from}`));
      }
    });
  });
}

test('bits as constants: files of one and of several parts, parts without deletes', async () => {
  // Just beyond two parts of 1,048,576 rows; the second one has no deletes.
  const sizes = [1_048_576, 2_097_160, 9, 5000];
  const bitmaps = [
    { file: 0, bits: bitmap(1_048_576, 20) },
    { file: 1, bits: bitmap(2_097_160, 20, 0, 1_000_000) },
    { file: 2, bits: bitmap(9, 2) },
    { file: 3, bits: bitmap(5000, 1) },
  ];
  const [, second] = bitmaps;
  if (second !== undefined) second.bits[262_144] = 0xff;
  await check(sizes, bitmaps, 'constants');
});

test('bits asked of JavaScript row by row: the same rows', async () => {
  const sizes = [40_000, 9, 5000];
  const bitmaps = sizes.map((rows, file) => ({ file, bits: bitmap(rows, 3) }));
  await check(sizes, bitmaps, 'function');
});

test('more files than constants are good for go through a table', async () => {
  const sizes = Array.from({ length: 70 }, (_, file) => 10 + file);
  const bitmaps = sizes.map((rows, file) => ({ file, bits: bitmap(rows, 3) }));
  await check(sizes, bitmaps, 'table');
});

test('more bits than constants are good for go through a table', async () => {
  const bits = new Uint8Array(5 * 1024 * 1024);
  bits[0] = 0x01;
  await check([100], [{ file: 0, bits }], 'table');
});
