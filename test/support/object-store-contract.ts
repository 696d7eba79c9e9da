// What every ObjectStore driver must do, written once; the unit tests run it on the local store, the
// compat tests on a real S3 server.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { AppError } from '../../src/base/errors.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';

export async function withTempDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-test-'));
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

export async function listKeys(store: ObjectStore, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  return keys;
}

/** `open` gives the store under test; keys are used below a fresh prefix for each test. */
export function objectStoreContract(
  name: string,
  open: () => ObjectStore | Promise<ObjectStore>,
): void {
  let tests = 0;
  const fresh = (): string => {
    tests += 1;
    return `contract-${tests}`;
  };

  test(`${name}: put, get, ranges, head`, async () => {
    const store = await open();
    const key = `${fresh()}/a/b.bin`;
    const body = Buffer.from('0123456789');
    await store.put(key, body);
    assert.deepEqual(await store.get(key), body);
    assert.equal((await store.get(key, { start: 2, end: 5 })).toString(), '234');
    assert.equal((await store.get(key, { start: 8, end: 50 })).toString(), '89');
    assert.equal((await store.get(key, { start: 4, end: 4 })).length, 0);
    assert.equal((await store.get(key, { start: 100, end: 110 })).length, 0);
    const info = await store.head(key);
    assert.equal(info?.sizeBytes, 10);
    assert.ok(Math.abs((info?.lastModifiedMs ?? 0) - Date.now()) < 60_000);
    await store.put(key, Buffer.from('other'));
    assert.equal((await store.get(key)).toString(), 'other');
    await store.put(key, Buffer.alloc(0));
    assert.equal((await store.get(key)).length, 0);
  });

  test(`${name}: missing objects`, async () => {
    const store = await open();
    const key = `${fresh()}/none`;
    const missing = (thrown: unknown): boolean =>
      thrown instanceof AppError && thrown.code === 'OBJECT_NOT_FOUND';
    await assert.rejects(store.get(key), missing);
    await assert.rejects(store.getToFile(key, join(tmpdir(), 'millrace-never-made')), missing);
    assert.equal(await store.head(key), null);
    await store.delete([key]);
    await store.delete([]);
  });

  test(`${name}: of 20 racers for one key exactly one wins, with its own bytes`, async () => {
    const store = await open();
    const key = `${fresh()}/marker`;
    const bodies = Array.from({ length: 20 }, (_, i) => Buffer.from(`racer ${i} `.repeat(2000)));
    const wins = await Promise.all(bodies.map((body) => store.putIfAbsent(key, body)));
    assert.equal(wins.filter((won) => won).length, 1);
    const winner = bodies[wins.indexOf(true)];
    assert.deepEqual(await store.get(key), winner);
    assert.equal(await store.putIfAbsent(key, Buffer.from('late')), false);
  });

  test(`${name}: files go in and out`, async () => {
    await withTempDirectory(async (directory) => {
      const store = await open();
      const key = `${fresh()}/t1/file.parquet`;
      const bytes = Buffer.alloc(3_000_000, 'parquet?');
      await writeFile(join(directory, 'in'), bytes);
      await store.putFile(key, join(directory, 'in'));
      await store.getToFile(key, join(directory, 'out'));
      assert.deepEqual(await readFile(join(directory, 'out')), bytes);
      await writeFile(join(directory, 'there'), 'x');
      await assert.rejects(store.getToFile(key, join(directory, 'there')));
      assert.equal((await stat(join(directory, 'there'))).size, 1);
    });
  });

  test(`${name}: list below a prefix in key order, delete in bulk`, async () => {
    const store = await open();
    const prefix = fresh();
    const keys = ['a', 'a-b', 'a/1', 'a/2/3', 'b', 'ä', 'z/x'].map((key) => `${prefix}/${key}`);
    // On a file system 'a' cannot be both object and folder.
    const usable = keys.filter((key) => key !== `${prefix}/a`);
    for (const key of usable) await store.put(key, Buffer.from(key));
    const sorted = usable.toSorted((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y)));
    assert.deepEqual(await listKeys(store, `${prefix}/`), sorted);
    assert.deepEqual(
      await listKeys(store, `${prefix}/a`),
      sorted.filter((key) => key.startsWith(`${prefix}/a`)),
    );
    assert.deepEqual(await listKeys(store, `${prefix}/nothing`), []);
    await store.delete([...usable, `${prefix}/never-there`]);
    assert.deepEqual(await listKeys(store, prefix), []);
  });
}
