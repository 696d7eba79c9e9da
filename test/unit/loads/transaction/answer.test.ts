// What clients of the transaction interface read: keys in their order, status words, messages as StarRocks spells them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fail } from '../../../../src/base/errors.ts';
import { asId, type TransactionId } from '../../../../src/base/ids.ts';
import {
  beginAnswer,
  endedAnswer,
  errorAnswer,
  failedAnswer,
  labelUsedAnswer,
  loadedAnswer,
  MESSAGES,
  rolledBackAnswer,
} from '../../../../src/loads/transaction/answer.ts';
import type { HttpAnswer } from '../../../../src/model/body-load.ts';

const ID = asId<TransactionId>(7);
const COUNTS = { rowsLoaded: 5, rowsFiltered: 2, rowsUnselected: 1, bodyBytes: 99 };
const TIMES = { loadMs: 10.4, planMs: 1.5, readMs: -1, writeMs: 3, commitMs: 4 };

const fieldsOf = ({ body }: HttpAnswer): [string, unknown][] =>
  Object.entries(JSON.parse(body) as Record<string, unknown>);

test('begin', () => {
  const answer = beginAnswer('one', ID, 2.6);
  assert.equal(answer.status, 200);
  assert.deepEqual(fieldsOf(answer), [
    ['Status', 'OK'],
    ['Message', ''],
    ['Label', 'one'],
    ['TxnId', 7],
    ['BeginTxnTimeMs', 3],
  ]);
});

test('load', () => {
  assert.deepEqual(fieldsOf(loadedAnswer('one', ID, COUNTS, { ...TIMES, seq: 4 })), [
    ['Status', 'OK'],
    ['Message', ''],
    ['Label', 'one'],
    ['TxnId', 7],
    ['LoadBytes', 99],
    ['StreamLoadPlanTimeMs', 2],
    ['ReceivedDataTimeMs', 0],
    ['Seq', 4],
    ['NumberTotalRows', 8],
    ['NumberLoadedRows', 5],
    ['NumberFilteredRows', 2],
    ['NumberUnselectedRows', 1],
  ]);
});

test('prepare and commit', () => {
  const answer = endedAnswer('one', ID, COUNTS, TIMES, MESSAGES.committedAlready);
  assert.deepEqual(fieldsOf(answer), [
    ['Status', 'OK'],
    ['Message', 'Transaction already commited'],
    ['Label', 'one'],
    ['TxnId', 7],
    ['NumberTotalRows', 8],
    ['NumberLoadedRows', 5],
    ['NumberFilteredRows', 2],
    ['NumberUnselectedRows', 1],
    ['LoadBytes', 99],
    ['LoadTimeMs', 10],
    ['StreamLoadPlanTimeMs', 2],
    ['ReceivedDataTimeMs', 0],
    ['WriteDataTimeMs', 3],
    ['CommitAndPublishTimeMs', 4],
  ]);
});

test('rollback, and a label that is used', () => {
  assert.deepEqual(fieldsOf(rolledBackAnswer()), [
    ['Status', 'OK'],
    ['Message', ''],
  ]);
  assert.deepEqual(fieldsOf(labelUsedAnswer('one', 'used', true)), [
    ['Status', 'LABEL_ALREADY_EXISTS'],
    ['ExistingJobStatus', 'RUNNING'],
    ['Message', 'used'],
    ['Label', 'one'],
  ]);
  assert.deepEqual(fieldsOf(labelUsedAnswer('one', 'used', false))[1], [
    'ExistingJobStatus',
    'FINISHED',
  ]);
});

test('what went wrong has the word that clients look for, and no label where there is none', () => {
  const words = (answer: HttpAnswer): unknown[] => [
    answer.status,
    ...fieldsOf(answer).map(([, value]) => value),
  ];
  const transactionId = 7;
  assert.deepEqual(words(failedAnswer('FAILED', MESSAGES.emptyLabel)), [
    200,
    'FAILED',
    'Empty label.',
  ]);
  assert.deepEqual(words(errorAnswer(fail('UNKNOWN_LABEL', { label: 'x' }), 'x')), [
    ...[200, 'TXN_NOT_EXISTS', 'Transcation Not Exist', 'x'],
  ]);
  assert.equal(
    words(errorAnswer(fail('TRANSACTION_BUSY', { transactionId }), 'x'))[1],
    'TXN_IN_PROCESSING',
  );
  const state = { transactionId, state: 'PREPARED', wanted: 'loaded into' };
  const [, status, message] = words(errorAnswer(fail('TRANSACTION_STATE', state), 'x'));
  assert.equal(status, 'FAILED');
  assert.match(String(message), /^Transcation State Invalid: transaction 7 is PREPARED/);
  const aborted = fail('TRANSACTION_ABORTED', { transactionId, detail: 'timed out' });
  assert.match(
    String(words(errorAnswer(aborted, 'x'))[2]),
    /^Transcation State Invalid.*timed out/,
  );
  const denied = fail('ACCESS_DENIED', { user: 'a', host: 'b', usingPassword: 'YES' });
  assert.deepEqual(words(errorAnswer(denied, '')).slice(0, 2), [401, 'FAILED']);
  assert.equal(words(errorAnswer(new Error('a bug'), ''))[1], 'INTERNAL_ERROR');
});
