// The local store: the contract, and what a crash at any point may leave behind.
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { AppError } from '../../../src/base/errors.ts';
import { LocalStore } from '../../../src/storage/local-store.ts';
import {
  listKeys,
  objectStoreContract,
  withTempDirectory,
} from '../../support/object-store-contract.ts';

const shared = await mkdtemp(join(tmpdir(), 'millrace-local-'));
after(() => rm(shared, { recursive: true, force: true }));
objectStoreContract('local', () => new LocalStore({ root: shared, where: 'file:///shared' }));

const code =
  (wanted: string) =>
  (thrown: unknown): boolean =>
    thrown instanceof AppError && thrown.code === wanted;

test('a file on the same file system is moved, not copied', async () => {
  await withTempDirectory(async (root) => {
    const store = new LocalStore({ root, where: root });
    await writeFile(join(root, 'staged'), 'rows');
    await store.putFile('t/x', join(root, 'staged'));
    assert.deepEqual((await readdir(root)).toSorted(), ['t']);
    assert.equal((await readFile(join(root, 't', 'x'))).toString(), 'rows');
    assert.equal(store.localPath('t/x'), join(root, 't', 'x'));
  });
});

test('a crash leaves no torn object: killed while writing, every object is whole or absent', async () => {
  await withTempDirectory(async (root) => {
    const child = fork(join(import.meta.dirname, 'local-store-writer.ts'), [root], {
      stdio: 'ignore',
    });
    const store = new LocalStore({ root, where: root });
    // On a busy machine the child takes its time to start: it is killed once it writes.
    const deadline = Date.now() + 30_000;
    while ((await listKeys(store, '')).length < 3 && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
    const keys = await listKeys(store, '');
    assert.ok(keys.length > 0, 'the writer wrote something');
    for (const key of keys) {
      const body = await store.get(key);
      assert.equal(body.length, 400_000, key);
      assert.ok(body.equals(Buffer.alloc(400_000, body[0])), key);
    }
    await store.cleanUnfinished();
    assert.deepEqual(await readdir(join(root, '.unfinished')), []);
  });
});

test('unfinished writes are never listed and cannot be named', async () => {
  await withTempDirectory(async (root) => {
    const store = new LocalStore({ root, where: root });
    await mkdir(join(root, '.unfinished'));
    await writeFile(join(root, '.unfinished', 'torn'), 'half');
    assert.deepEqual(await listKeys(store, ''), []);
    await assert.rejects(store.get('.unfinished/torn'), code('INTERNAL'));
  });
});

test('keys cannot leave the root', async () => {
  await withTempDirectory(async (root) => {
    const store = new LocalStore({ root: join(root, 'in'), where: root });
    await mkdir(join(root, 'in'));
    await writeFile(join(root, 'out'), 'secret');
    for (const key of ['../out', 'a/../../out', '/etc/passwd', '', 'a//b', './out', 'a\0b'])
      await assert.rejects(store.get(key), code('INTERNAL'), key);
    assert.deepEqual(await listKeys(store, '../'), []);
  });
});

test('errors say what to do', async () => {
  await withTempDirectory(async (root) => {
    const gone = new LocalStore({ root: join(root, 'gone'), where: 'file:///gone' });
    await assert.rejects(gone.put('a', Buffer.from('x')), (thrown: unknown) => {
      assert.ok(thrown instanceof AppError);
      assert.equal(thrown.code, 'STORAGE_ACCESS');
      assert.match(thrown.fullMessage, /file:\/\/\/gone.*write failed: no such directory/);
      return true;
    });
    await symlink('/dev/null', join(root, 'file'));
    const noDirectory = new LocalStore({ root: join(root, 'file'), where: 'file:///file' });
    await assert.rejects(noDirectory.put('a', Buffer.from('x')), code('STORAGE_ACCESS'));
  });
});
