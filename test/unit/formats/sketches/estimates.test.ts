// HLL and t-digest: stated accuracy over many sizes, merging, bytes, broken bytes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MURMUR64_SEED, murmur64 } from '../../../../src/formats/murmur.ts';
import { MalformedSketch } from '../../../../src/formats/sketches/bytes.ts';
import { HyperLogLog } from '../../../../src/formats/sketches/hyperloglog.ts';
import { TDigest } from '../../../../src/formats/sketches/t-digest.ts';

function hllOf(from: number, to: number): HyperLogLog {
  const hll = new HyperLogLog();
  for (let i = from; i < to; i += 1) hll.add(murmur64(Buffer.from(`user-${i}`), MURMUR64_SEED));
  return hll;
}

test('HLL: exact up to 160, within 3 standard errors above, at every size', () => {
  for (const size of [0, 1, 2, 159, 160]) assert.equal(hllOf(0, size).estimate(), size);
  for (const size of [161, 500, 3000, 10_000, 40_000, 200_000]) {
    const error = hllOf(0, size).estimate() / size - 1;
    assert.ok(Math.abs(error) < 0.025, `${size}: ${error}`);
  }
});

test('HLL: merging equals adding, whatever the forms, and bytes keep it', () => {
  for (const [a, b, c] of [
    [0, 50, 100],
    [0, 150, 3000],
    [0, 100, 60_000],
    [0, 30_000, 60_000],
    [0, 0, 500],
  ] as const) {
    const merged = HyperLogLog.decode(hllOf(a, b).encode());
    merged.merge(HyperLogLog.decode(hllOf(b, c).encode()));
    merged.merge(hllOf(a, b));
    assert.equal(merged.estimate(), hllOf(a, c).estimate());
    assert.equal(HyperLogLog.decode(merged.encode()).estimate(), merged.estimate());
  }
  assert.equal(hllOf(0, 0).encode().toString('hex'), '00');
  assert.equal(hllOf(0, 100_000).encode().length, 1 + 16_384);
});

function ranks(digest: TDigest, count: number, fractions: readonly number[]): void {
  for (const p of fractions) {
    // Over 0..count-1 a value is its own rank.
    const rank = (digest.quantile(p) ?? Number.NaN) / (count - 1);
    const allowed = 0.001 + 1 / count;
    assert.ok(Math.abs(rank - p) < allowed, `p ${p}: rank ${rank}`);
  }
}

const FRACTIONS = [0, 0.0001, 0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 0.9999, 1];

test('t-digest: ranks within 0.1%, added one by one or merged from many, in any order', () => {
  for (const count of [2, 10, 1000, 100_000]) {
    const shuffled = Array.from({ length: count }, (_, i) => (i * 7919) % count);
    const one = new TDigest();
    for (const value of shuffled) one.add(value);
    ranks(one, count, FRACTIONS);
    const many = new TDigest();
    for (let from = 0; from < count; from += 1000) {
      const part = new TDigest();
      for (const value of shuffled.slice(from, from + 1000)) part.add(value);
      many.merge(TDigest.decode(part.encode()));
    }
    ranks(many, count, FRACTIONS);
    ranks(TDigest.decode(many.encode()), count, FRACTIONS);
    assert.ok(many.encode().length < 32_000, `${many.encode().length} bytes`);
  }
  const sorted = new TDigest();
  for (let i = 0; i < 50_000; i += 1) sorted.add(i);
  ranks(sorted, 50_000, FRACTIONS);
});

test('t-digest: nothing, one value, equal values, no numbers', () => {
  const digest = new TDigest();
  assert.equal(digest.quantile(0.5), null);
  digest.add(Number.NaN);
  assert.equal(TDigest.decode(digest.encode()).quantile(0.5), null);
  digest.add(7);
  for (const p of [0, 0.5, 1]) assert.equal(digest.quantile(p), 7);
  for (let i = 0; i < 10_000; i += 1) digest.add(7);
  assert.equal(digest.quantile(0.3), 7);
});

test('broken bytes are refused', () => {
  for (const decode of [HyperLogLog.decode, TDigest.decode]) {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        try {
          decode(bytes);
        } catch (error) {
          assert.ok(error instanceof MalformedSketch, String(error));
        }
      }),
    );
    assert.throws(() => decode(Buffer.alloc(0)), MalformedSketch);
  }
  const hll = hllOf(0, 1000).encode();
  for (let length = 0; length < hll.length; length += 11)
    assert.throws(() => HyperLogLog.decode(hll.subarray(0, length)), MalformedSketch);
});
