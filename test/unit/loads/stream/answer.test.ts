// The JSON that a Stream Load answers: StarRocks' keys in its order, numbers as numbers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fail } from '../../../../src/base/errors.ts';
import {
  answerStatus,
  errorText,
  jobStatus,
  labelAnswer,
  labelRefusal,
  loadAnswer,
  refused,
} from '../../../../src/loads/stream/answer.ts';
import type { LoadFacts } from '../../../../src/model/load-facts.ts';
import { ANSWER_KEYS } from '../../../support/stream-client.ts';

const FACTS: LoadFacts = {
  loadType: 'STREAM_LOAD',
  rowsLoaded: 7,
  rowsFiltered: 2,
  rowsUnselected: 1,
  bodyBytes: 99,
  startedMs: 1,
  beginMs: 1.6,
  planMs: 0.2,
  readMs: 3,
  writeMs: 4,
  commitMs: 5.4,
  properties: {},
  trackingFile: 'error_log_x',
  errorSamples: [],
  clientAddress: null,
};

test('a success has all keys in order, and whole numbers', () => {
  const { body: text } = loadAnswer({
    transactionId: 5,
    label: 'l',
    status: 'Success',
    message: 'OK',
    facts: FACTS,
    loadMs: 12.7,
  });
  const answer = JSON.parse(text);
  assert.deepEqual(Object.keys(answer), ANSWER_KEYS);
  assert.deepEqual(Object.values(answer), [
    5,
    'l',
    'Success',
    'OK',
    10,
    7,
    2,
    1,
    99,
    13,
    2,
    0,
    3,
    4,
    5,
  ]);
  assert.match(text, /^\{\n {4}"TxnId": 5,\n/);
});

test('keys that come only where they say something have their places', () => {
  const answer = JSON.parse(
    loadAnswer({
      transactionId: -1,
      label: 'l',
      status: 'Label Already Exists',
      existingJobStatus: 'FINISHED',
      message: 'm',
      facts: null,
      loadMs: 0,
      errorUrl: 'http://h/',
    }).body,
  );
  const keys = [
    ...ANSWER_KEYS.slice(0, 3),
    'ExistingJobStatus',
    ...ANSWER_KEYS.slice(3),
    'ErrorURL',
  ];
  assert.deepEqual(Object.keys(answer), keys);
  assert.equal(answer.NumberTotalRows, 0);
});

test('only who is not known gets 401; texts of StarRocks stand alone', () => {
  const login = fail('BODY_LOGIN_MISSING');
  assert.equal(errorText(login), 'no valid Basic authorization');
  assert.equal(answerStatus(login), 401);
  assert.equal(refused('l', login).status, 401);
  const denied = fail('ACCESS_DENIED', { user: 'u', host: 'h', usingPassword: 'YES' });
  assert.equal(answerStatus(denied), 401);
  assert.equal(answerStatus(fail('SQL_ANALYZE', { detail: 'x' })), 200);
  assert.equal(
    errorText(fail('SQL_ANALYZE', { detail: 'Invalid timeout format' })),
    'Invalid timeout format',
  );
  const taken = fail('LABEL_ALREADY_EXISTS', { label: 'l', transactionId: 4 });
  assert.equal(errorText(taken), 'Label [l] has already been used, relate to txn [4]');
});

test('answers about labels', () => {
  assert.deepEqual(Object.entries(JSON.parse(labelAnswer({ state: 'VISIBLE', reason: '' }).body)), [
    ['state', 'VISIBLE'],
    ['reason', ''],
    ['status', 'OK'],
    ['code', '0'],
    ['msg', 'Success'],
    ['message', 'OK'],
  ]);
  const { status, msg } = JSON.parse(
    labelRefusal(fail('TRANSACTION_FINAL', { transactionId: 1, state: 'VISIBLE' })).body,
  );
  assert.deepEqual(
    [status, msg],
    ['FAILED', "transaction's state is already VISIBLE, could not abort"],
  );
});

test('ExistingJobStatus is FINISHED only where the rows are in: clients take it for success', () => {
  assert.equal(jobStatus('VISIBLE'), 'FINISHED');
  assert.equal(jobStatus('COMMITTED'), 'FINISHED');
  // Aborted between the check of the label and this look at it, or gone.
  for (const state of ['PREPARE', 'PREPARED', 'ABORTED', null] as const)
    assert.equal(jobStatus(state), 'RUNNING');
});
