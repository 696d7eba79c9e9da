// Murmur hashes against answers of others.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MURMUR3_SEED, murmur3, murmur64 } from '../../../src/formats/murmur.ts';

test('murmur3: the documented answers of StarRocks, and the reference vectors', () => {
  // SOURCE: StarRocks docs, murmur_hash3_32.
  assert.equal(murmur3(Buffer.from('hello'), MURMUR3_SEED), 1321743225);
  // SOURCE: test vectors of MurmurHash3_x86_32 that circulate with its implementations.
  assert.equal(murmur3(Buffer.from(''), 1) >>> 0, 0x514e28b7);
  assert.equal(murmur3(Buffer.from('test'), 0) >>> 0, 0xba6bd213);
  assert.equal(murmur3(Buffer.from('Hello, world!'), 0x9747b28c) >>> 0, 0x24884cba);
  assert.equal(murmur3(Buffer.from('aaa'), 0x9747b28c) >>> 0, 0x283e0130);
});

test('murmur64: deterministic, 64 bits wide, and every tail length matters', () => {
  const seen = new Set<bigint>();
  for (let length = 0; length < 40; length += 1) {
    const hash = murmur64(Buffer.alloc(length, 1), 5n);
    assert.ok(hash >= 0n && hash < 1n << 64n);
    seen.add(hash);
  }
  assert.equal(seen.size, 40);
  // A view into a larger buffer hashes as its own bytes.
  const text = Buffer.from('xx-some bytes-xx');
  assert.equal(murmur64(text.subarray(3, 13), 1n), murmur64(Buffer.from('some bytes'), 1n));
});
