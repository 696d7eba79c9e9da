// Retries: only for passing failures, bounded, and right after a lost answer.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../../src/base/clock.ts';
import { type AppError, fail } from '../../../src/base/errors.ts';
import { seededRandom } from '../../../src/base/random.ts';
import { LocalStore } from '../../../src/storage/local-store.ts';
import type { ObjectStore } from '../../../src/storage/object-store.ts';
import { RetryStore } from '../../../src/storage/retry.ts';
import { type Fault, FaultyStore } from '../../support/faulty-store.ts';
import { listKeys, withTempDirectory } from '../../support/object-store-contract.ts';

const unavailable = (): AppError =>
  fail('STORAGE_UNAVAILABLE', { where: 'test', step: 'any', detail: '503' });

function retrying(inner: ObjectStore, fault: Fault): RetryStore {
  return new RetryStore(new FaultyStore(inner, fault), {
    attempts: 4,
    firstDelayMs: 1,
    maxDelayMs: 4,
    clock: systemClock,
    random: seededRandom(1),
  });
}

test('passing failures are tried again, others not, and not for ever', async () => {
  await withTempDirectory(async (root) => {
    const local = new LocalStore({ root, where: root });
    let calls = 0;
    const failing = (times: number, error: () => AppError): Fault => {
      calls = 0;
      return ({ count }) => {
        calls = count;
        return count <= times ? { when: 'before', error: error() } : null;
      };
    };
    await retrying(local, failing(3, unavailable)).put('k', Buffer.from('1'));
    assert.equal(calls, 4);
    await assert.rejects(retrying(local, failing(9, unavailable)).put('k', Buffer.from('1')));
    assert.equal(calls, 4);
    const refused = (): AppError =>
      fail('STORAGE_ACCESS', { where: 'test', step: 'any', detail: 'wrong', hint: '' });
    await assert.rejects(retrying(local, failing(1, refused)).put('k', Buffer.from('1')));
    assert.equal(calls, 1);
  });
});

test('put-if-absent: a lost answer of the winner is a win, of the loser a loss', async () => {
  await withTempDirectory(async (root) => {
    const local = new LocalStore({ root, where: root });
    const lostOnce: Fault = ({ operation, count }) =>
      operation === 'putIfAbsent' && count === 1 ? { when: 'after', error: unavailable() } : null;
    assert.equal(await retrying(local, lostOnce).putIfAbsent('mine', Buffer.from('a')), true);
    await local.put('theirs', Buffer.from('b'));
    assert.equal(await retrying(local, lostOnce).putIfAbsent('theirs', Buffer.from('a')), false);
    assert.equal((await local.get('theirs')).toString(), 'b');
  });
});

test('a listing that breaks off goes on without repeating or losing keys', async () => {
  await withTempDirectory(async (root) => {
    const local = new LocalStore({ root, where: root });
    const keys = ['a/1', 'a/2', 'b', 'c'];
    for (const key of keys) await local.put(key, Buffer.from(key));
    const broken: Fault = ({ operation, count }) =>
      operation === 'list' && count <= 2 ? { when: 'after', error: unavailable() } : null;
    assert.deepEqual(await listKeys(retrying(local, broken), ''), keys);
  });
});
