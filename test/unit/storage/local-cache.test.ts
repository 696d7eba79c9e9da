// The disk cache: single flight, bound, pins, restart, bad downloads.
import assert from 'node:assert/strict';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../../src/base/clock.ts';
import { AppError } from '../../../src/base/errors.ts';
import { asId, type VolumeId } from '../../../src/base/ids.ts';
import { seededRandom } from '../../../src/base/random.ts';
import { type CacheKey, LocalCache } from '../../../src/storage/local-cache.ts';
import { withTempDirectory } from '../../support/object-store-contract.ts';

const keyOf = (key: string, incarnation = 'one'): CacheKey => ({
  incarnation,
  volumeId: asId<VolumeId>(7),
  key,
});

/** Writes `size` bytes and counts calls. */
function source(size: number): { fetch: (path: string) => Promise<void>; calls: number } {
  const made = {
    calls: 0,
    fetch: async (path: string): Promise<void> => {
      made.calls += 1;
      await new Promise((resolve) => setImmediate(resolve));
      await writeFile(path, Buffer.alloc(size, 'x'), { flag: 'wx' });
    },
  };
  return made;
}

test('50 callers share one download', async () => {
  await withTempDirectory(async (directory) => {
    const cache = await LocalCache.open(directory, 1000, systemClock);
    const from = source(100);
    const pins = await Promise.all(
      Array.from({ length: 50 }, () => cache.pin(keyOf('a'), 100, from.fetch)),
    );
    assert.equal(from.calls, 1);
    assert.equal(new Set(pins.map(({ path }) => path)).size, 1);
    assert.equal((await readFile(pins[0]?.path ?? '')).length, 100);
    for (const pin of pins) pin.release();
    assert.deepEqual([cache.load().files, cache.load().bytes], [1, 100]);
  });
});

test('the least recently used unpinned file goes first', async () => {
  await withTempDirectory(async (directory) => {
    const cache = await LocalCache.open(directory, 300, systemClock);
    const pinned = await cache.pin(keyOf('pinned'), 100, source(100).fetch);
    (await cache.pin(keyOf('b'), 100, source(100).fetch)).release();
    (await cache.pin(keyOf('c'), 100, source(100).fetch)).release();
    const b = source(100);
    (await cache.pin(keyOf('b'), 100, b.fetch)).release();
    assert.equal(b.calls, 0);
    (await cache.pin(keyOf('d'), 100, source(100).fetch)).release();
    const again = source(100);
    (await cache.pin(keyOf('b'), 100, again.fetch)).release();
    assert.equal(again.calls, 0, 'b was used after c');
    const c = source(100);
    (await cache.pin(keyOf('c'), 100, c.fetch)).release();
    assert.equal(c.calls, 1, 'c was evicted');
    assert.equal((await stat(pinned.path)).size, 100);
    assert.ok(cache.load().bytes <= 300);
  });
});

test('what does not fit is still answered, and removed when released', async () => {
  await withTempDirectory(async (directory) => {
    const cache = await LocalCache.open(directory, 150, systemClock);
    const small = await cache.pin(keyOf('small'), 100, source(100).fetch);
    const beside = await cache.pin(keyOf('beside'), 100, source(100).fetch);
    const large = await cache.pin(keyOf('large'), 5000, source(5000).fetch);
    assert.equal((await readFile(large.path)).length, 5000);
    large.release();
    beside.release();
    beside.release();
    small.release();
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.deepEqual([cache.load().files, cache.load().bytes], [1, 100]);
    assert.equal((await readdir(directory)).length, 1);
  });
});

test('a wrong size or a failed download keeps nothing, and the next try fetches again', async () => {
  await withTempDirectory(async (directory) => {
    const cache = await LocalCache.open(directory, 1000, systemClock);
    await assert.rejects(
      cache.pin(keyOf('a'), 100, source(60).fetch),
      (thrown: unknown) => thrown instanceof AppError && thrown.code === 'OBJECT_SIZE_MISMATCH',
    );
    const broken = async (): Promise<void> => {
      throw new Error('cut');
    };
    const both = await Promise.allSettled([
      cache.pin(keyOf('a'), 100, broken),
      cache.pin(keyOf('a'), 100, source(100).fetch),
    ]);
    assert.deepEqual(
      both.map(({ status }) => status),
      ['rejected', 'rejected'],
    );
    assert.deepEqual([cache.load().bytes, await readdir(directory)], [0, []]);
    (await cache.pin(keyOf('a'), 100, source(100).fetch)).release();
    assert.equal(cache.load().bytes, 100);
  });
});

test('a restart takes whole files over, in order of use, and sweeps the rest', async () => {
  await withTempDirectory(async (directory) => {
    const cache = await LocalCache.open(directory, 1000, systemClock);
    for (const name of ['a', 'b', 'c'])
      (await cache.pin(keyOf(name), 100, source(100).fetch)).release();
    await new Promise((resolve) => setTimeout(resolve, 30));
    (await cache.pin(keyOf('a'), 100, source(100).fetch)).release();
    await new Promise((resolve) => setTimeout(resolve, 30));
    await writeFile(join(directory, 'half.tmp'), 'torn');
    await writeFile(join(directory, `${'0'.repeat(64)}-50.object`), 'too short');
    const reopened = await LocalCache.open(directory, 100, systemClock);
    assert.deepEqual([reopened.load().files, reopened.load().bytes], [1, 100]);
    assert.equal((await readdir(directory)).length, 1);
    const a = source(100);
    (await reopened.pin(keyOf('a'), 100, a.fetch)).release();
    assert.equal(a.calls, 0, 'the most recently used file stayed');
    const other = source(100);
    (await reopened.pin(keyOf('a', 'two'), 100, other.fetch)).release();
    assert.equal(other.calls, 1, 'another incarnation shares nothing');
  });
});

test('under random use the bound holds whenever nothing is pinned, and content is right', async () => {
  await withTempDirectory(async (directory) => {
    const cache = await LocalCache.open(directory, 1000, systemClock);
    const random = seededRandom(11);
    const use = async (): Promise<void> => {
      for (let i = 0; i < 60; i += 1) {
        const id = random.below(12);
        const size = 100 + id * 30;
        const pin = await cache
          .pin(keyOf(`k${id}`), size, async (path) => {
            if (random.below(5) === 0) throw new Error('lost');
            await writeFile(path, Buffer.alloc(size, id), { flag: 'wx' });
          })
          .catch(() => null);
        if (pin === null) continue;
        const body = await readFile(pin.path);
        assert.ok(body.equals(Buffer.alloc(size, id)));
        pin.release();
      }
    };
    await Promise.all(Array.from({ length: 8 }, use));
    await new Promise((resolve) => setTimeout(resolve, 50));
    const { bytes, files, failures } = cache.load();
    assert.ok(bytes <= 1000, `${bytes} bytes`);
    assert.equal(failures, 0);
    const names = await readdir(directory);
    assert.equal(names.length, files);
  });
});

test('on a full disk what nobody reads makes room; without any the error says what to do', async () => {
  await withTempDirectory(async (directory) => {
    const cache = await LocalCache.open(directory, 1000, systemClock);
    const used = await cache.pin(keyOf('used'), 100, source(100).fetch);
    (await cache.pin(keyOf('idle'), 100, source(100).fetch)).release();
    const full = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
    /** As a disk that has room for so many files. */
    const onDisk =
      (room: number) =>
      async (path: string): Promise<void> => {
        await writeFile(path, Buffer.alloc(10), { flag: 'wx' });
        const names = await readdir(directory);
        if (names.filter((name) => name.endsWith('.object')).length >= room) throw full;
        await writeFile(path, Buffer.alloc(100));
      };
    (await cache.pin(keyOf('new'), 100, onDisk(2))).release();
    assert.equal(cache.load().files, 2, 'the idle one went, the used one stayed');
    await assert.rejects(
      cache.pin(keyOf('more'), 100, onDisk(0)),
      (error: unknown) =>
        error instanceof AppError &&
        error.code === 'CACHE_DISK_FULL' &&
        error.message.includes(directory),
    );
    assert.equal(cache.load().bytes, 100, 'only what is pinned is counted');
    assert.deepEqual(
      (await readdir(directory)).map((name) => name.replace(/^.*-/, '')),
      ['100.object'],
    );
    used.release();
    (await cache.pin(keyOf('more'), 100, onDisk(2))).release();
  });
});
