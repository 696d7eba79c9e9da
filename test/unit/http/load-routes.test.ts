// Which paths are loads, and what is read of their requests.
import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { basicLogin, loadRoute, readBodyHead, readHead } from '../../../src/http/load-routes.ts';

test('paths of loads', () => {
  assert.deepEqual(loadRoute('PUT', '/api/d/t/_stream_load?x=1'), {
    kind: 'load',
    database: 'd',
    table: 't',
  });
  assert.deepEqual(loadRoute('PUT', '/api/d%20b/%E6%97%A5/_stream_load'), {
    kind: 'load',
    database: 'd b',
    table: '日',
  });
  assert.deepEqual(loadRoute('GET', '/api/d/get_load_state?label=-a'), {
    kind: 'state',
    database: 'd',
    label: '-a',
  });
  assert.deepEqual(loadRoute('POST', '/api/d/t/_cancel?label=b'), {
    kind: 'cancel',
    database: 'd',
    label: 'b',
  });
  assert.deepEqual(loadRoute('POST', '/api/d/b/_cancel'), {
    kind: 'cancel',
    database: 'd',
    label: 'b',
  });
  assert.equal(loadRoute('PUT', '/api/%zz/t/_stream_load'), 'malformed');
  for (const [method, url] of [
    ['POST', '/api/d/t/_stream_load'],
    ['PUT', '/api/d/t/u/_stream_load'],
    ['PUT', '/api/d/_stream_load'],
    ['PUT', '//api/d/t/_stream_load'],
    ['GET', '/api/health'],
    ['GET', '/metrics'],
  ] as const) {
    assert.equal(loadRoute(method, url), null, url);
  }
});

test('paths of transactions, which POST and PUT both reach', () => {
  for (const method of ['POST', 'PUT']) {
    for (const op of ['begin', 'prepare', 'commit', 'rollback'] as const) {
      assert.deepEqual(loadRoute(method, `/api/transaction/${op}?x=1`), {
        kind: 'transaction',
        op,
      });
    }
    assert.deepEqual(loadRoute(method, '/api/transaction/load'), { kind: 'transaction_load' });
    assert.equal(loadRoute(method, '/api/transaction/other'), null);
    assert.equal(loadRoute(method, '/api/transaction/begin/now'), null);
  }
  assert.equal(loadRoute('GET', '/api/transaction/begin'), null);
  // A database may have that name.
  assert.deepEqual(loadRoute('GET', '/api/transaction/get_load_state?label=a'), {
    kind: 'state',
    database: 'transaction',
    label: 'a',
  });
});

test('what names the table of a request with a body: its path, or its headers', () => {
  const request = {
    headers: {},
    rawHeaders: ['db', 'd', 'Table', 't', 'label', 'l'],
  } as unknown as IncomingMessage;
  const plain = readBodyHead(request, { kind: 'load', database: 'e', table: 'u' }, '::1');
  assert.deepEqual([plain.database, plain.table, plain.ofTransaction], ['e', 'u', undefined]);
  const part = readBodyHead(request, { kind: 'transaction_load' }, '::1');
  assert.deepEqual([part.database, part.table, part.ofTransaction], ['d', 't', true]);
});

test('users and passwords of Basic authorization', () => {
  const of = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;
  assert.deepEqual(basicLogin(of('ann:p:w')), { user: 'ann', password: 'p:w' });
  assert.deepEqual(basicLogin(of('ann:')), { user: 'ann', password: '' });
  assert.deepEqual(basicLogin(of('日:本')), { user: '日', password: '本' });
  for (const bad of [undefined, '', 'Basic', 'Basic !!', of('ann'), 'Bearer x'])
    assert.equal(basicLogin(bad), null);
});

test('headers are UTF-8, without the password, and the repeated ones are known', () => {
  const latin1 = (text: string): string => Buffer.from(text).toString('latin1');
  const request = {
    rawHeaders: [
      'Authorization',
      'Basic YW5uOnB3',
      'Columns',
      latin1('日, b'),
      'where',
      'é',
      'X-A',
      '1',
      'x-a',
      '2',
      'X-Millrace-Forwarded',
      'token 1.2.3.4',
    ],
    headers: { authorization: 'Basic YW5uOnB3' },
  } as unknown as IncomingMessage;
  const head = readHead(request, { database: 'd' }, '10.0.0.1');
  assert.deepEqual(head, {
    database: 'd',
    headers: { columns: '日, b', where: 'é', 'x-a': '2' },
    repeated: ['x-a'],
    login: { user: 'ann', password: 'pw' },
    clientAddress: '10.0.0.1',
  });
});
