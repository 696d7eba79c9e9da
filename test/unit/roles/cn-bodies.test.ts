// What a client of a transaction is answered where the front end does not answer the compute node.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fail } from '../../../src/base/errors.ts';
import type {
  HttpAnswer,
  TransactionOp,
  TransactionRequest,
} from '../../../src/model/body-load.ts';
import { askTransaction } from '../../../src/roles/cn-bodies.ts';

const requestOf = (op: TransactionOp): TransactionRequest => ({
  op,
  database: 'd',
  headers: { label: 'one' },
  repeated: [],
  login: null,
  clientAddress: '::1',
});

const wordsOf = ({ body }: HttpAnswer): unknown[] =>
  Object.values(JSON.parse(body) as Record<string, unknown>);

const late = async (): Promise<never> => {
  throw fail('TIMEOUT', { what: 'ofTransaction', timeoutMs: 1, hint: '' });
};

test('its answer as it is', async () => {
  const answer = { status: 200, body: '{"Status":"OK"}' };
  assert.equal(await askTransaction(async () => answer, requestOf('begin')), answer);
});

test('a commit that takes too long: the state of the label tells, as in StarRocks', async () => {
  const answer = await askTransaction(late, requestOf('commit'));
  assert.deepEqual(
    [answer.status, ...wordsOf(answer)],
    [...[200, 'Commit Timeout', 'commit timeout', 'one']],
  );
});

test('everything else that gets no answer failed, and is said as JSON', async () => {
  const [status] = wordsOf(await askTransaction(late, requestOf('prepare')));
  assert.equal(status, 'FAILED');
  const gone = async (): Promise<never> => {
    throw fail('PEER_GONE', { peer: 'the front end' });
  };
  const [word, message, label] = wordsOf(await askTransaction(gone, requestOf('commit')));
  assert.deepEqual([word, label], ['FAILED', 'one']);
  assert.match(String(message), /front end/);
});
