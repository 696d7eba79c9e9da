// Bitmaps: set algebra against JavaScript's Set, bytes against pyroaring's, StarRocks' documented bytes,
// broken bytes. The golden file was made once with pyroaring; its origin stands in it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Bitmap, BitmapBuilder } from '../../../../src/formats/sketches/bitmap.ts';
import { decodeBitmap, encodeBitmap } from '../../../../src/formats/sketches/bitmap-codec.ts';
import { MalformedSketch } from '../../../../src/formats/sketches/bytes.ts';
import {
  decodeStarrocksBitmap,
  encodeStarrocksBitmap,
} from '../../../../src/formats/sketches/starrocks-bitmap.ts';

function bitmapOf(values: Iterable<bigint>): Bitmap {
  const builder = new BitmapBuilder();
  for (const value of values) builder.add(value);
  return builder.build();
}

const sorted = (values: Iterable<bigint>): bigint[] =>
  [...new Set(values)].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));

/** Clusters, so that arrays, bit sets and runs all come up. */
const cluster = fc
  .tuple(
    fc.bigInt(0n, (1n << 64n) - 20_001n),
    fc.integer({ min: 1, max: 9000 }),
    fc.integer({ min: 1, max: 3 }),
  )
  .map(([from, count, step]) =>
    Array.from({ length: count }, (_, i) => from + BigInt((i * step) % 20_000)),
  );
const single = fc.oneof(fc.bigInt(0n, (1n << 64n) - 1n), fc.bigInt(0n, 200_000n)).map((v) => [v]);
const values = fc
  .array(fc.oneof({ weight: 1, arbitrary: cluster }, { weight: 6, arbitrary: single }), {
    maxLength: 20,
  })
  .map((parts) => parts.flat());

test('algebra agrees with sets', () => {
  fc.assert(
    fc.property(values, values, fc.boolean(), (left, extra, shares) => {
      const right = shares ? [...extra, ...left.filter((_, i) => i % 2 === 0)] : extra;
      const [a, b] = [bitmapOf(left), bitmapOf(right)];
      const [setA, setB] = [new Set(left), new Set(right)];
      assert.deepEqual([...a.values()], sorted(left));
      assert.deepEqual([...a.or(b).values()], sorted([...left, ...right]));
      assert.deepEqual([...a.and(b).values()], sorted(left.filter((v) => setB.has(v))));
      assert.deepEqual([...a.andNot(b).values()], sorted(left.filter((v) => !setB.has(v))));
      assert.deepEqual(
        [...a.xor(b).values()],
        sorted([...left, ...right].filter((v) => setA.has(v) !== setB.has(v))),
      );
      assert.equal(
        a.intersects(b),
        left.some((v) => setB.has(v)),
      );
      assert.equal(a.size, setA.size);
      assert.equal(a.min, sorted(left)[0] ?? null);
      assert.equal(a.max, sorted(left).at(-1) ?? null);
      for (const value of right.slice(0, 50)) assert.equal(a.has(value), setA.has(value));
      const builder = new BitmapBuilder();
      for (const part of [a, b, a]) builder.addAll(part);
      assert.deepEqual([...builder.build().values()], sorted([...left, ...right]));
    }),
    { numRuns: 60 },
  );
});

test('slices and ranks count in order of values', () => {
  fc.assert(
    fc.property(values, fc.nat(10_000), fc.nat(10_000), (list, from, count) => {
      const [bitmap, all] = [bitmapOf(list), sorted(list)];
      assert.deepEqual(
        [...bitmap.slice(from, from + count).values()],
        all.slice(from, from + count),
      );
      for (const value of list.slice(0, 20)) {
        assert.equal(bitmap.rank(value), all.indexOf(value));
        assert.equal(bitmap.rank(value), all.filter((other) => other < value).length);
      }
    }),
    { numRuns: 40 },
  );
});

test('bytes read back equal, in both formats, and equal sets give equal bytes', () => {
  fc.assert(
    fc.property(values, (list) => {
      const bitmap = bitmapOf(list);
      const bytes = encodeBitmap(bitmap);
      assert.deepEqual([...decodeBitmap(bytes).values()], sorted(list));
      assert.deepEqual(encodeBitmap(decodeBitmap(bytes)), bytes);
      assert.deepEqual(encodeBitmap(bitmapOf([...list].reverse())), bytes);
      const starrocks = encodeStarrocksBitmap(bitmap);
      assert.deepEqual([...decodeStarrocksBitmap(starrocks).values()], sorted(list));
    }),
    { numRuns: 60 },
  );
});

interface Golden {
  readonly cases: Readonly<
    Record<
      string,
      { count: number; min: string | null; max: string | null; sum: string; base64: string }
    >
  >;
}

test('bitmaps that pyroaring wrote are read, and written again byte by byte', () => {
  const path = join(import.meta.dirname, '../../../fixtures/sketches/roaring64.json');
  const golden = JSON.parse(readFileSync(path, 'utf8')) as Golden;
  for (const [name, expected] of Object.entries(golden.cases)) {
    const bytes = Buffer.from(expected.base64, 'base64');
    const bitmap = decodeBitmap(bytes);
    assert.equal(bitmap.size, expected.count, name);
    assert.equal(bitmap.min?.toString() ?? null, expected.min, name);
    assert.equal(bitmap.max?.toString() ?? null, expected.max, name);
    let sum = 0n;
    for (const value of bitmap.values()) sum += value;
    assert.equal(sum.toString(), expected.sum, name);
    assert.deepEqual([...decodeBitmap(encodeBitmap(bitmap)).values()], [...bitmap.values()], name);
    // Ours has runs wherever they are smaller, pyroaring only after run_optimize().
    if (name !== 'bitset')
      assert.equal(encodeBitmap(bitmap).toString('base64'), expected.base64, name);
  }
});

test("StarRocks' documented bytes", () => {
  // SOURCE: StarRocks docs, bitmap_to_binary.
  for (const [hex, list] of [
    ['00', []],
    ['0101000000', [1n]],
    ['023A3000000100000000000300100000000000010002000300', [0n, 1n, 2n, 3n]],
  ] as const) {
    assert.equal(encodeStarrocksBitmap(bitmapOf(list)).toString('hex').toUpperCase(), hex);
    assert.deepEqual([...decodeStarrocksBitmap(Buffer.from(hex, 'hex')).values()], [...list]);
  }
  const set = Buffer.from('0A030000000D0000000000000017000000000000002100000000000000', 'hex');
  assert.deepEqual([...decodeStarrocksBitmap(set).values()], [13n, 23n, 33n]);
});

test('cut and changed bytes are refused or read as some bitmap, never anything else', () => {
  const good = encodeBitmap(
    bitmapOf([1n, 70_000n, 1n << 40n, ...Array.from({ length: 5000 }, (_, i) => BigInt(i * 2))]),
  );
  for (let length = 0; length < good.length; length += 7) {
    assert.throws(() => decodeBitmap(good.subarray(0, length)), MalformedSketch);
  }
  assert.throws(() => decodeBitmap(Buffer.concat([good, Buffer.of(0)])), MalformedSketch);
  fc.assert(
    fc.property(fc.nat(200), fc.nat(255), fc.uint8Array({ maxLength: 60 }), (at, byte, noise) => {
      const changed = Buffer.from(good);
      changed[at] = byte;
      for (const bytes of [changed, noise]) {
        for (const decode of [decodeBitmap, decodeStarrocksBitmap]) {
          try {
            decode(bytes);
          } catch (error) {
            assert.ok(error instanceof MalformedSketch, String(error));
          }
        }
      }
    }),
    { numRuns: 500 },
  );
});
