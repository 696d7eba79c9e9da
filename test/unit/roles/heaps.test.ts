// The flags of each process are ones that Node takes, and new objects are collected by the bytes that came.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { afterEach, test } from 'node:test';
import { garbageCollector, heapFlags } from '../../../src/roles/heaps.ts';

const MB = 1024 * 1024;
const { gc } = globalThis;
afterEach(() => {
  globalThis.gc = gc;
});

test('Node takes the flags of every process, and the loader may collect', () => {
  for (const role of ['fe', 'query', 'loader', 'broker'] as const) {
    const out = execFileSync(process.execPath, [...heapFlags(role), '-p', 'typeof gc'], {
      encoding: 'utf8',
    });
    assert.equal(out.trim(), role === 'loader' ? 'function' : 'undefined', role);
  }
});

test('new objects are collected once for every 4 MB, however they come', () => {
  const asked: unknown[] = [];
  globalThis.gc = ((options: unknown) => {
    asked.push(options);
  }) as typeof globalThis.gc;
  const collect = garbageCollector();
  for (let piece = 0; piece < 256; piece += 1) collect(64 * 1024);
  assert.equal(asked.length, 4);
  assert.deepEqual(asked[0], { type: 'minor', execution: 'sync' });
  collect(3 * MB);
  assert.equal(asked.length, 4);
  collect(3 * MB);
  assert.equal(asked.length, 5);
});

test('old objects are collected once for every 384 MB', () => {
  const asked: string[] = [];
  globalThis.gc = ((options: { type: string }) => {
    asked.push(options.type);
  }) as typeof globalThis.gc;
  const collect = garbageCollector();
  for (let piece = 0; piece < 1024 * 16; piece += 1) collect(64 * 1024);
  assert.equal(asked.length, 256);
  assert.deepEqual(
    asked.flatMap((type, index) => (type === 'major' ? [index] : [])),
    [95, 191],
  );
});

test('without the flag nothing is done', () => {
  globalThis.gc = undefined;
  assert.doesNotThrow(() => garbageCollector()(100 * MB));
});
