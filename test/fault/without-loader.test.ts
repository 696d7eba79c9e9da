// While the process that takes bodies is dead: the steps of transactions go on and states are told at the front end's
// port, and bodies wait for its start. The official SDK tries none of these again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { childrenOf } from '../support/process-tree.ts';
import { newDataDir, startServer } from '../support/start-server.ts';

const AUTHORIZATION = `Basic ${Buffer.from('root:').toString('base64')}`;

type Answer = Readonly<Record<string, unknown>>;

async function ask(
  port: number,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  body?: string,
): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${port}/api/${path}`, {
    method: path.includes('?') ? 'GET' : body === undefined ? 'POST' : 'PUT',
    headers: { authorization: AUTHORIZATION, db: 'd', table: 't', ...headers },
    ...(body === undefined ? {} : { body }),
  });
  return (await response.json()) as Answer;
}

test('steps go on, states are told, and loads wait for its start', async () => {
  const dataDir = newDataDir();
  const server = await startServer({ dataDir, broker: 'off' });
  await server.sql('CREATE DATABASE d');
  await server.sql('CREATE TABLE d.t (a VARCHAR(10))');
  const { httpPort: port } = server.ready;
  const step = async (op: string, label: string, body?: string): Promise<Answer> => {
    const answer = await ask(port, `transaction/${op}`, { label }, body);
    assert.equal(answer['Status'], 'OK', `${op} ${label} ${JSON.stringify(answer)}`);
    return answer;
  };
  const state = async (label: string): Promise<unknown> =>
    (await ask(port, `d/get_load_state?label=${label}`))['state'];
  await step('begin', 'before');
  await step('load', 'before', 'x\ny\n');
  const loader = childrenOf(dataDir).find(({ role }) => role === 'loader');
  assert.ok(loader);
  process.kill(loader.pid, 'SIGKILL');
  // Its start takes longer than all of these.
  await step('begin', 'after');
  await step('prepare', 'before');
  await step('rollback', 'after');
  assert.deepEqual([await state('before'), await state('after')], ['PREPARED', 'ABORTED']);
  await step('begin', 'waits');
  const filled = step('load', 'waits', 'x\n'.repeat(100_000));
  const plain = ask(port, 'd/t/_stream_load', { label: 'plain' }, 'x\n'.repeat(100_000));
  await step('commit', 'before');
  assert.equal(await server.value('SELECT count(*) FROM d.t'), '2');
  await filled;
  assert.equal((await plain)['Status'], 'Success');
  assert.equal((await step('commit', 'waits'))['NumberLoadedRows'], 100_000);
  assert.equal(await server.value('SELECT count(*) FROM d.t'), '200002');
  assert.equal(await server.stop(), 0);
});
