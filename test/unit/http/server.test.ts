// The HTTP door: health, metrics, unknown routes, broken requests, failing services, a taken port.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../../src/base/clock.ts';
import { AppError, fail } from '../../../src/base/errors.ts';
import { silentLog } from '../../../src/base/log.ts';
import type { LoadProxy } from '../../../src/http/load-proxy.ts';
import { type HttpServer, type HttpServices, startHttpServer } from '../../../src/http/server.ts';

const ANN = { identity: { name: 'ann', host: '%' }, activeRoles: new Set<number>() };
const AS_ANN = { headers: { authorization: `Basic ${btoa('ann:pw:1')}` } };

const NO_LOADS: LoadProxy = {
  serve: () => false,
  onBroken: () => false,
  close: async () => undefined,
};

async function serve(
  context: TestContext,
  services: Partial<HttpServices> = {},
): Promise<{ server: HttpServer; url: string; logged: string[] }> {
  const logged: string[] = [];
  const server = await startHttpServer({
    host: '127.0.0.1',
    port: 0,
    authenticate: async ({ user, password, address }) => {
      if (user === 'ann' && password === 'pw:1') return ANN;
      throw fail('ACCESS_DENIED', { user, host: address, usingPassword: 'YES' });
    },
    openRoutes: ['/api/health', '/metrics'],
    loads: NO_LOADS,
    clock: systemClock,
    log: { ...silentLog, error: (message) => logged.push(message) },
    services: {
      health: async () => ({ status: 'ok', parts: { fe: 'ok' } }),
      metricsText: async () => 'a_total 1\n',
      errorLog: async () => '',
      ...services,
    },
  });
  context.after(() => server.close());
  return { server, url: `http://127.0.0.1:${server.port}`, logged };
}

test('health is 200 while all is well and 503 when a part is not', async (context) => {
  const { url } = await serve(context);
  const well = await fetch(`${url}/api/health`);
  assert.equal(well.status, 200);
  assert.deepEqual(await well.json(), { status: 'ok', parts: { fe: 'ok' } });
  const ill = await serve(context, {
    health: async () => ({ status: 'degraded', parts: { fe: 'ok', query: 'gone' } }),
  });
  assert.equal((await fetch(`${ill.url}/api/health`)).status, 503);
});

test('as many connections as clients of merge commit may hold, and one more is served', async (context) => {
  const { server, url } = await serve(context);
  const held = Array.from({ length: 1_500 }, () => connect(server.port, '127.0.0.1'));
  context.after(() => {
    for (const socket of held) socket.destroy();
  });
  await Promise.all(held.map((socket) => once(socket, 'connect')));
  assert.equal((await fetch(`${url}/api/health`)).status, 200);
  assert(held.every((socket) => !socket.closed));
});

test('metrics are text, unknown routes are 404', async (context) => {
  const { url } = await serve(context);
  const metrics = await fetch(`${url}/metrics`);
  assert.match(metrics.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
  assert.equal(await metrics.text(), 'a_total 1\n');
  const unknown = await fetch(`${url}/nosuch?secret=1`, AS_ANN);
  assert.equal(unknown.status, 404);
  assert.deepEqual(await unknown.json(), { Status: 'Fail', Message: 'no route GET /nosuch' });
});

test('errors keep their status; only bugs are logged', async (context) => {
  const broken = await serve(context, {
    metricsText: async () => {
      throw fail('METADATA_UNAVAILABLE', { detail: 'gone' });
    },
    health: async () => {
      throw new Error('a bug');
    },
  });
  const metrics = await fetch(`${broken.url}/metrics`);
  assert.equal(metrics.status, 503);
  assert.match(await metrics.text(), /the metadata store does not answer: gone/);
  assert.deepEqual(broken.logged, []);
  assert.equal((await fetch(`${broken.url}/api/health`)).status, 500);
  assert.deepEqual(broken.logged, ['http request failed']);
});

test("a client's mistakes are 4xx and never logged", async (context) => {
  const { server, url, logged } = await serve(context);
  assert.equal((await fetch(`${url}/%`)).status, 400);
  const large = await fetch(`${url}/metrics`, {
    method: 'POST',
    body: 'x'.repeat(2_000_000),
  }).catch(() => null);
  assert.ok(large === null || (large.status >= 400 && large.status < 500));
  const answer = await new Promise<string>((resolve) => {
    const socket = connect(server.port, '127.0.0.1', () => socket.end('nonsense\r\n\r\n'));
    let text = '';
    socket.on('data', (data) => {
      text += data;
    });
    socket.on('close', () => resolve(text));
  });
  assert.match(answer, /^HTTP\/1\.1 400/);
  assert.deepEqual(logged, []);
});

test('a port that is taken, and an address that is not ours', async (context) => {
  const { server } = await serve(context);
  const services: HttpServices = {
    health: async () => ({ status: 'ok', parts: {} }),
    metricsText: async () => '',
    errorLog: async () => '',
  };
  const start = (host: string, port: number): Promise<HttpServer> =>
    startHttpServer({
      host,
      port,
      services,
      log: silentLog,
      authenticate: async () => ANN,
      openRoutes: [],
      loads: NO_LOADS,
      clock: systemClock,
    });
  const hasCode = (code: string) => (error: unknown) =>
    error instanceof AppError && error.code === code;
  await assert.rejects(start('127.0.0.1', server.port), hasCode('PORT_IN_USE'));
  await assert.rejects(start('192.0.2.1', 0), hasCode('CANNOT_LISTEN'));
});

test('all but the open routes want a user and a password', async (context) => {
  const { url } = await serve(context);
  const asked = await fetch(`${url}/nosuch`);
  assert.equal(asked.status, 401);
  assert.match(asked.headers.get('www-authenticate') ?? '', /^Basic realm=/);
  assert.match(asked.headers.get('content-type') ?? '', /^application\/json/);
  assert.deepEqual(await asked.json(), {
    Status: 'Fail',
    Message: "Access denied for user ''@'127.0.0.1' (using password: NO)",
  });
  for (const authorization of [
    `Basic ${btoa('ann:wrong')}`,
    `Basic ${btoa('ann')}`,
    'Basic !!!',
    'Bearer x',
  ]) {
    const refused = await fetch(`${url}/nosuch`, { headers: { authorization } });
    assert.equal(refused.status, 401, authorization);
    assert.ok(!(await refused.text()).includes('wrong'));
  }
  // No other spelling of an open path gets by, whatever the method.
  for (const path of ['/api/health/', '//api/health', '/api/health/x', '/metrics%2f']) {
    assert.equal((await fetch(`${url}${path}`)).status, 401, path);
  }
  assert.equal((await fetch(`${url}/api/health`, { method: 'POST' })).status, 401);
});
