// What the front end answers to bodies and transactions while it shuts down.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type {
  HttpAnswer,
  TransactionOp,
  TransactionRequest,
} from '../../../src/model/body-load.ts';
import { labelServices } from '../../../src/roles/body-loads.ts';

const requestOf = (op: TransactionOp): TransactionRequest => ({
  op,
  database: 'd',
  headers: { label: 'one' },
  repeated: [],
  login: null,
  clientAddress: '::1',
});

test('a new transaction is refused once the drain began; those that run may prepare, commit, roll back', async () => {
  let refuses = false;
  const answered: TransactionOp[] = [];
  const transactions = {
    answer: async ({ op }: TransactionRequest): Promise<HttpAnswer> => {
      answered.push(op);
      return { status: 200, body: '{"Status":"OK"}' };
    },
  };
  const streamLoads = { ofLabel: async () => ({ status: 200, body: '{}' }) };
  const labels = labelServices(streamLoads, transactions, () => refuses);
  const ask = (op: TransactionOp): Promise<HttpAnswer> => labels.ofTransaction(requestOf(op));
  await ask('begin');
  refuses = true;
  const { status, body } = await ask('begin');
  assert.equal(status, 200);
  assert.deepEqual(JSON.parse(body), {
    Status: 'FAILED',
    Message: 'Service is shutting down, please retry later!',
    Label: 'one',
  });
  for (const op of ['prepare', 'commit', 'rollback'] as const) await ask(op);
  assert.deepEqual(answered, ['begin', 'prepare', 'commit', 'rollback']);
});
