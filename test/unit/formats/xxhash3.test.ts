// XXH3 against the python package xxhash (made once; origin in the file) and StarRocks' documented answer.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { xxhash3 } from '../../../src/formats/xxhash3.ts';

test('every branch of lengths agrees with xxHash', () => {
  const path = join(import.meta.dirname, '../../fixtures/sketches/xxh3.json');
  const { hashes } = JSON.parse(readFileSync(path, 'utf8')) as { hashes: Record<string, string> };
  assert.ok(Object.keys(hashes).length > 30);
  for (const [length, expected] of Object.entries(hashes)) {
    const bytes = Uint8Array.from({ length: Number(length) }, (_, i) => i * 131 + 7);
    assert.equal(xxhash3(bytes).toString(16).padStart(16, '0'), expected, `length ${length}`);
  }
});

test("StarRocks' documented bitmap_hash64('hello')", () => {
  assert.equal(xxhash3(Buffer.from('hello')), 10760762337991515389n);
});
