// The broker's small durable map: what was put is there after a restart, together or not at all.
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { KeyedJournal } from '../../../../src/kafka/broker/keyed-journal.ts';

let directory = '';
beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-journal-'));
});
afterEach(() => fs.rmSync(directory, { recursive: true, force: true }));

const file = (): string => path.join(directory, 'journal');
const live = (journal: KeyedJournal): Record<string, unknown> =>
  Object.fromEntries([...journal.entries()].map(([key, value]) => [key, value['v']]));

test('the last value of each key comes back; null removes', async () => {
  const journal = new KeyedJournal(file());
  journal.put([
    ['a', { v: 1 }],
    ['b', { v: 'two' }],
  ]);
  journal.put([['a', { v: 3 }]]);
  journal.put([['b', null]]);
  await journal.close();
  const again = new KeyedJournal(file());
  assert.deepEqual(live(again), { a: 3 });
  await again.close();
});

test('a torn last line never happened, and the next one is whole', async () => {
  const journal = new KeyedJournal(file());
  journal.put([['a', { v: 1 }]]);
  journal.put([
    ['a', { v: 2 }],
    ['b', { v: 2 }],
  ]);
  await journal.close();
  fs.truncateSync(file(), fs.statSync(file()).size - 4);
  const again = new KeyedJournal(file());
  assert.deepEqual(live(again), { a: 1 });
  again.put([['c', { v: 9 }]]);
  await again.close();
  const third = new KeyedJournal(file());
  assert.deepEqual(live(third), { a: 1, c: 9 });
  await third.close();
});

test('a journal that has grown is rewritten with what is live', async () => {
  const journal = new KeyedJournal(file());
  for (let round = 0; round < 30_000; round += 1) {
    journal.put([[`k${round % 10}`, { v: round, pad: 'x'.repeat(20) }]]);
  }
  const before = fs.statSync(file()).size;
  await journal.flush();
  assert.ok(fs.statSync(file()).size < before / 100);
  journal.put([['after', { v: 'rewrite' }]]);
  await journal.close();
  const again = new KeyedJournal(file());
  assert.equal(live(again)['k9'], 29_999);
  assert.equal(live(again)['after'], 'rewrite');
  await again.close();
});
