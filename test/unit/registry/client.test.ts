// The registry client: addresses and their credentials, references in order, and every way in which a
// registry can fail, each with a reason that names it.
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { afterEach, beforeEach, test } from 'node:test';
import { AppError } from '../../../src/base/errors.ts';
import { parseRegistryUrl } from '../../../src/registry/address.ts';
import { RegistryClient } from '../../../src/registry/client.ts';
import { RegistryServer } from '../../support/registry-server.ts';

let server: RegistryServer;
beforeEach(async () => {
  server = await RegistryServer.start('key:xyz/zy');
});
afterEach(() => server.stop());

const never = new AbortController().signal;
const client = (): RegistryClient =>
  new RegistryClient({ url: `http://key:xyz%2Fzy@${server.host}/`, timeoutMs: 2000 });

async function failure(work: Promise<unknown>): Promise<AppError> {
  const thrown = await work.then(
    () => null,
    (error: unknown) => error,
  );
  assert(thrown instanceof AppError, String(thrown));
  assert.ok(!/xyz|zy/.test(thrown.fullMessage), thrown.fullMessage);
  return thrown;
}

test('addresses: credentials go into the header, never into messages', () => {
  const address = parseRegistryUrl(' https://a%40b:p%3A@reg:8081/apis/v7/ ');
  assert.equal(address.url, 'https://reg:8081/apis/v7');
  assert.equal(address.authorization, `Basic ${Buffer.from('a@b:p:').toString('base64')}`);
  assert.equal(parseRegistryUrl('http://reg').authorization, null);
  for (const bad of [
    '',
    'reg:8081',
    'ftp://k:hush@h',
    'http://k:hush@h/?x=1',
    'http://k:%zzhush@h',
  ])
    assert.throws(
      () => parseRegistryUrl(bad),
      (error: unknown) =>
        error instanceof AppError && error.code === 'REGISTRY_URL' && !/hush/.test(error.message),
    );
});

test('a schema with references comes with all of them, each after what it needs', async () => {
  const leaf = { schema: '{"type":"enum","name":"L","symbols":["A"]}' };
  server.register('leaf', leaf);
  const middle = {
    schema: '{"type":"record","name":"M","fields":[{"name":"l","type":"L"}]}',
    references: [{ name: 'L', subject: 'leaf', version: 1 }],
  };
  server.register('sub/ject', middle);
  const id = server.register('top', {
    schema:
      '{"type":"record","name":"T","fields":[{"name":"m","type":"M"},{"name":"l","type":"L"}]}',
    references: [
      { name: 'M', subject: 'sub/ject', version: 1 },
      { name: 'L', subject: 'leaf', version: 1 },
    ],
  });
  const answer = await client().schema(id, never);
  assert(answer.found);
  assert.equal(answer.schema.kind, null);
  assert.deepEqual(
    answer.schema.references.map(({ name }) => name),
    ['L', 'M', 'L'].slice(0, answer.schema.references.length),
  );
  assert.equal(answer.schema.references[0]?.text, leaf.schema);
  const broken = server.register('broken', {
    schema: '"x"',
    references: [{ name: 'X', subject: 'gone', version: 3 }],
  });
  const missing = await client().schema(broken, never);
  assert(!missing.found);
  assert.match(
    missing.reason,
    /refers to version 3 of subject 'gone', which is not in .*127\.0\.0\.1/,
  );
});

test('what is not there is an answer; what fails is an error that says whether to try again', async () => {
  const missing = await client().schema(99, never);
  assert(!missing.found);
  assert.equal(missing.reason, `the schema registry at ${server.url} has no schema id 99`);
  for (const [status, code] of [
    [401, 'REGISTRY_REFUSED'],
    [403, 'REGISTRY_REFUSED'],
    [500, 'REGISTRY_FAILED'],
    [429, 'REGISTRY_FAILED'],
  ] as const) {
    server.failing = status;
    const error = await failure(client().schema(1, never));
    assert.equal(error.code, code);
    assert.equal(error.kind, code === 'REGISTRY_REFUSED' ? 'user' : 'retry');
    assert.match(error.message, /schema id 1: .*HTTP/);
  }
  server.failing = null;
  const wrong = new RegistryClient({ url: `http://key:other@${server.host}` });
  assert.equal((await failure(wrong.schema(1, never))).code, 'REGISTRY_REFUSED');
});

test('no answer, no registry, another server: unreachable, within the time limit', async () => {
  const silent = createServer();
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const address = silent.address();
  assert(typeof address === 'object' && address !== null);
  const url = `http://127.0.0.1:${address.port}`;
  const late = await failure(new RegistryClient({ url, timeoutMs: 100 }).schema(1, never));
  assert.equal(late.code, 'REGISTRY_UNREACHABLE');
  assert.match(late.message, /no answer within 100 ms/);
  silent.close();
  const last = client();
  await server.stop();
  const gone = await failure(last.schema(1, never));
  assert.equal(gone.code, 'REGISTRY_UNREACHABLE');
  assert.match(gone.message, /ECONNREFUSED/);
  server = await RegistryServer.start();
});

test('an aborted wait ends at once with the reason of the signal', async () => {
  const abort = new AbortController();
  abort.abort(new Error('the task is over'));
  await assert.rejects(client().schema(1, abort.signal), /the task is over/);
});
