// What CHECK ROUTINE LOAD says of lines of the ledger that do not add up, of moved positions, and of topics that have
// other messages than the ledger.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asId, type JobId } from '../../../../src/base/ids.ts';
import type { LedgerRow } from '../../../../src/catalog/catalog.ts';
import { judgeChain, judgeLine, judgeRecount } from '../../../../src/loads/routine/check-ledger.ts';
import type { Recount } from '../../../../src/model/recount.ts';

/** Offsets 10 to 30: 12 messages, 2 of them empty; 3 control, 1 aborted, a gap of 4; 11 rows. */
const LINE: LedgerRow = {
  jobId: asId<JobId>(1),
  topic: 't',
  partition: 0,
  segment: 0,
  fromOffset: 10n,
  toOffset: 30n,
  received: 16,
  consumed: 10,
  skippedControl: 3,
  skippedAborted: 1,
  skippedEmpty: 2,
  skippedGap: 4,
  receivedBytes: 100,
  rowsLoaded: 6,
  rowsFiltered: 3,
  rowsUnselected: 2,
  firstCommitMs: 0,
  lastCommitMs: 0,
};
const THERE = { first: 0n, end: 40n };
const FOUND: Recount = {
  reached: 30n,
  messages: 12,
  empty: 2,
  rows: 11,
  skipped: { control: 3, aborted: 1, gap: 4 },
};

const texts = (found: readonly { readonly type: string; readonly text: string }[]): string[] =>
  found.map(({ type, text }) => `${type}: ${text}`);

test('a line that adds up has no finding; one that does not says which numbers differ', () => {
  assert.deepEqual(judgeLine(LINE), []);
  assert.deepEqual(texts(judgeLine({ ...LINE, toOffset: 31n })), [
    'error: offsets 10 to 31 are 21, the ledger has 16 messages and a gap of 4',
  ]);
  assert.deepEqual(texts(judgeLine({ ...LINE, consumed: 11 })), [
    'error: 16 messages were received, 17 are accounted for: 11 consumed, 3 control, 1 aborted, 2 empty',
  ]);
});

test('segments that overlap or leave offsets out, and a position that is not at their end', () => {
  const line = (segment: number, fromOffset: bigint, toOffset: bigint): LedgerRow => ({
    ...LINE,
    segment,
    fromOffset,
    toOffset,
  });
  assert.deepEqual(judgeChain([line(0, 0n, 5n), line(1, 5n, 9n)], 9n), []);
  assert.deepEqual(judgeChain([line(0, 0n, 5n)], null), []);
  assert.deepEqual(judgeChain([], 3n), []);
  assert.deepEqual(texts(judgeChain([line(0, 0n, 5n), line(1, 8n, 9n)], 9n)), [
    'warning: offsets 5 to 8 were not read: the position was moved between segments 0 and 1',
  ]);
  assert.deepEqual(texts(judgeChain([line(0, 0n, 5n), line(1, 2n, 4n)], 5n)), [
    'warning: offsets 2 to 4 are in segments 0 and 1: the position was moved, and they were loaded twice',
    'error: the position is 5, the ledger ends at 4 (segment 1)',
  ]);
});

test('all that the ledger has is in the topic', () => {
  assert.deepEqual(texts(judgeRecount(LINE, THERE, FOUND)), [
    'note: offsets 10 to 30: 12 messages and 11 rows read again, as the ledger has them: 6 loaded, 3 filtered, 2 unselected',
  ]);
  // The last answer went beyond the range, and rows are not known.
  assert.deepEqual(texts(judgeRecount(LINE, THERE, { ...FOUND, skipped: null, rows: null })), [
    'note: offsets 10 to 30: 12 messages read again, as the ledger has them: 6 loaded, 3 filtered, 2 unselected',
  ]);
});

test('messages that the ledger does not have were not loaded', () => {
  assert.deepEqual(texts(judgeRecount(LINE, THERE, { ...FOUND, messages: 13 })), [
    'error: offsets 10 to 30 have 13 messages, the ledger has 12: 1 were not loaded',
  ]);
});

test('offsets without messages of other kinds, empty messages and rows that differ', () => {
  const other = { ...FOUND, empty: 1, rows: 12, skipped: { control: 2, aborted: 2, gap: 4 } };
  assert.deepEqual(texts(judgeRecount(LINE, THERE, other)), [
    'error: 2 offsets are control, the ledger has 3',
    'error: 2 offsets are aborted, the ledger has 1',
    'warning: 1 messages are empty as the job reads them now, the ledger has 2',
    'warning: the messages are 12 rows as the job reads them now, the ledger has 11: 6 loaded, 3 filtered, 2 unselected',
  ]);
});

test('what retention or a compaction took is not checkable, what is left is compared all the same', () => {
  const first = { first: 14n, end: 40n };
  assert.deepEqual(texts(judgeRecount(LINE, first, { ...FOUND, messages: 9 })), [
    'note: offsets 10 to 14 are deleted: not checkable',
    'note: offsets 14 to 30 have 9 of the 12 messages of the ledger',
  ]);
  assert.deepEqual(texts(judgeRecount(LINE, first, { ...FOUND, messages: 13 })), [
    'note: offsets 10 to 14 are deleted: not checkable',
    'error: offsets 14 to 30 have 13 messages, the ledger has 12: 1 were not loaded',
  ]);
  assert.deepEqual(texts(judgeRecount(LINE, THERE, { ...FOUND, messages: 5 })), [
    'warning: offsets 10 to 30 have 5 messages, the ledger has 12: 7 are no longer in the topic (compaction), not checkable',
  ]);
  assert.deepEqual(
    texts(judgeRecount(LINE, { first: 35n, end: 40n }, { ...FOUND, messages: 0, rows: 0 })),
    [
      'note: offsets 10 to 30 are deleted: not checkable',
      'note: offsets 30 to 30 have 0 of the 12 messages of the ledger',
    ],
  );
});

test('a limit leaves the rest unread; a partition that ends early is an error', () => {
  assert.deepEqual(texts(judgeRecount(LINE, THERE, { ...FOUND, reached: 20n, messages: 7 })), [
    'note: offsets 20 to 30 were not read again (limit)',
    'note: offsets 10 to 20 have 7 of the 12 messages of the ledger',
  ]);
  assert.deepEqual(
    texts(judgeRecount(LINE, { first: 0n, end: 25n }, { ...FOUND, reached: 25n, messages: 10 })),
    [
      'error: the partition ends at offset 25, the ledger at 30',
      'note: offsets 10 to 25 have 10 of the 12 messages of the ledger',
    ],
  );
});
