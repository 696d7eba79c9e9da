// OAUTHBEARER: what the properties may say, how tokens are got, kept and renewed, and the exchange with a broker.
import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../../../src/base/clock.ts';
import { AppError } from '../../../../src/base/errors.ts';
import { systemRandom } from '../../../../src/base/random.ts';
import { KafkaClient } from '../../../../src/kafka/client/kafka-client.ts';
import { oauthConfig } from '../../../../src/kafka/client/oauth-config.ts';
import { OauthTokens } from '../../../../src/kafka/client/oauth-tokens.ts';
import { parseKafkaProperties } from '../../../../src/kafka/client/properties.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { startScriptedBroker } from './scripted-broker.ts';

const SASL = { 'security.protocol': 'SASL_PLAINTEXT', 'sasl.mechanism': 'OAUTHBEARER' };
const UNSECURED = { ...SASL, 'enable.sasl.oauthbearer.unsecure.jwt': 'true' };
const OIDC = {
  ...SASL,
  'sasl.oauthbearer.method': 'oidc',
  'sasl.oauthbearer.client.id': 'me',
  'sasl.oauthbearer.client.secret': 'hush:hush',
};

const configOf = (properties: Record<string, string>) =>
  oauthConfig(parseKafkaProperties(properties));

async function serve(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/token?tenant=hush`;
}

test('the properties of both methods', () => {
  assert.equal(configOf({}), null);
  assert.deepEqual(
    configOf({
      ...UNSECURED,
      'sasl.oauthbearer.config':
        'principal=ann principalClaimName=azp scope=a,b scopeClaimName=roles lifeSeconds=60 extension_traceId=1=2',
    }),
    {
      method: 'unsecured',
      principal: 'ann',
      principalClaim: 'azp',
      scope: ['a', 'b'],
      scopeClaim: 'roles',
      lifeSeconds: 60,
      extensions: { traceId: '1=2' },
    },
  );
  const config = configOf({
    ...OIDC,
    'sasl.oauthbearer.token.endpoint.url': 'https://idp.example/t',
    'sasl.oauthbearer.extensions': 'a=1,b=two',
  });
  assert.equal(config?.method, 'oidc');
  assert.deepEqual(config?.extensions, { a: '1', b: 'two' });
});

test('what does not do is refused, without a secret', () => {
  const url = { 'sasl.oauthbearer.token.endpoint.url': 'http://idp.example/t' };
  const config = (text: string) => ({ ...UNSECURED, 'sasl.oauthbearer.config': text });
  const wrong: readonly (readonly [Record<string, string>, RegExp])[] = [
    [SASL, /sasl\.oauthbearer\.method oidc.*unsecure\.jwt/],
    [UNSECURED, /at least principal=name/],
    [config('principal=x lifeSeconds=0'), /lifeSeconds=0.*1 to/],
    [config('principal=x colour=red'), /colour=red/],
    [config('principal=x extension_auth=1'), /auth=\.\.\..*extensions/],
    [OIDC, /needs sasl\.oauthbearer\.token\.endpoint\.url/],
    [{ ...OIDC, 'sasl.oauthbearer.token.endpoint.url': 'ldap://x' }, /http or https URL/],
    [{ ...OIDC, 'sasl.oauthbearer.token.endpoint.url': 'http://u:hush@x/' }, /without user/],
    [{ ...OIDC, ...url, 'sasl.oauthbearer.extensions': 'a_b=1' }, /a_b=\.\.\..*letters/],
    [
      {
        ...OIDC,
        ...url,
        'sasl.oauthbearer.grant.type': 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      },
      /not supported/,
    ],
    [
      { ...OIDC, 'sasl.mechanism': 'PLAIN', 'sasl.username': 'u', 'sasl.password': 'p' },
      /OAUTHBEARER/,
    ],
  ];
  for (const [properties, message] of wrong)
    assert.throws(
      () => configOf(properties),
      (thrown: unknown) => {
        assert.ok(thrown instanceof AppError && thrown.kind === 'user');
        assert.match(thrown.fullMessage, message);
        assert.doesNotMatch(thrown.fullMessage, /hush/);
        return true;
      },
    );
});

async function tokensOf(t: TestContext, listener: RequestListener, clock = systemClock) {
  const config = configOf({
    ...OIDC,
    'sasl.oauthbearer.token.endpoint.url': await serve(t, listener),
    'sasl.oauthbearer.scope': 'one two',
  });
  assert.ok(config !== null);
  const closing = new AbortController();
  const tokens = new OauthTokens({
    config,
    clock,
    timeoutMs: 200,
    ca: async () => null,
    closing: closing.signal,
  });
  return { tokens, closing };
}

test('a token is asked for as RFC 6749 says, kept, and renewed before it is over', async (t) => {
  const clock = new ManualClock();
  const asked: string[] = [];
  let life: object = { expires_in: 100 };
  const { tokens } = await tokensOf(
    t,
    (request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      request.on('end', () => {
        asked.push(`${request.headers.authorization} ${request.headers['content-type']} ${body}`);
        response.end(JSON.stringify({ access_token: `t${asked.length}`, ...life }));
      });
    },
    clock,
  );
  // Both that wait get the one token.
  const first = await Promise.all([tokens.get(), tokens.get()]);
  assert.deepEqual(first, [
    { text: 't1', isOld: false },
    { text: 't1', isOld: false },
  ]);
  const basic = Buffer.from('me:hush:hush').toString('base64');
  assert.deepEqual(asked, [
    `Basic ${basic} application/x-www-form-urlencoded grant_type=client_credentials&scope=one+two`,
  ]);
  await clock.advance(79_000);
  assert.deepEqual(await tokens.get(), { text: 't1', isOld: true });
  await clock.advance(2_000);
  assert.deepEqual(await tokens.get(), { text: 't2', isOld: false });
  tokens.forget();
  life = {};
  assert.equal((await tokens.get()).text, 't3');
  // Without expires_in and without a JWT: five minutes.
  await clock.advance(239_000);
  assert.equal((await tokens.get()).text, 't3');
  await clock.advance(2_000);
  assert.equal((await tokens.get()).text, 't4');
});

test('the life of a token that the answer does not tell is read from the token', async (t) => {
  const clock = new ManualClock();
  let asked = 0;
  const { tokens } = await tokensOf(
    t,
    (_request, response) => {
      asked += 1;
      const claims = Buffer.from(JSON.stringify({ exp: clock.nowMs() / 1000 + 10 }));
      response.end(JSON.stringify({ access_token: `x.${claims.toString('base64url')}.y` }));
    },
    clock,
  );
  await tokens.get();
  await clock.advance(7_000);
  await tokens.get();
  assert.equal(asked, 1);
  await clock.advance(2_000);
  await tokens.get();
  assert.equal(asked, 2);
});

test('what an endpoint may answer instead: who is to act, and nothing of what it holds', async (t) => {
  let answer: RequestListener = (_request, response) => response.end('not JSON hush');
  const { tokens, closing } = await tokensOf(t, (request, response) => answer(request, response));
  const failure = async (code: string, message: RegExp): Promise<void> => {
    await assert.rejects(tokens.get(), (thrown: unknown) => {
      assert.ok(thrown instanceof AppError);
      assert.equal(thrown.code, code);
      assert.match(thrown.message, message);
      assert.doesNotMatch(thrown.fullMessage, /hush/);
      return true;
    });
  };
  await failure('KAFKA_TOKEN_REFUSED', /client 'me': its answer has no access_token/);
  const status = (code: number, body: object): void => {
    answer = (_request, response) => {
      response.writeHead(code);
      response.end(JSON.stringify(body));
    };
  };
  status(400, { error: 'invalid_scope', detail: 'hush' });
  await failure('KAFKA_TOKEN_REFUSED', /HTTP status 400, invalid_scope/);
  status(302, {});
  await failure('KAFKA_TOKEN_REFUSED', /HTTP status 302/);
  for (const code of [500, 503, 429]) {
    status(code, {});
    await failure('KAFKA_TOKEN_ENDPOINT', new RegExp(`HTTP status ${code}`));
  }
  answer = (_request, response) => response.end('x'.repeat(300_000));
  await failure('KAFKA_TOKEN_ENDPOINT', /more than 262144 bytes/);
  answer = (request) => request.socket.destroy();
  await failure('KAFKA_TOKEN_ENDPOINT', /socket hang up/);
  answer = () => undefined;
  await failure('KAFKA_TOKEN_ENDPOINT', /no whole answer within 200 ms/);
  const waiting = tokens.get();
  closing.abort();
  await assert.rejects(waiting, { code: 'CANCELLED' });
});

async function brokerAndClient(t: TestContext, answers: readonly (readonly [string, number])[]) {
  const sent: string[] = [];
  let step = 0;
  const broker = await startScriptedBroker({
    SaslHandshake: ({ body }) => ({ errorCode: 0, mechanisms: [body.mechanism] }),
    SaslAuthenticate: ({ body }) => {
      sent.push(body.authBytes.toString());
      const [reply, errorCode] = answers[step++] ?? ['', 0];
      const errorMessage = errorCode === 0 ? null : 'Authentication failed';
      return { errorCode, errorMessage, authBytes: Buffer.from(reply) };
    },
    Metadata: () => ({
      brokers: [{ nodeId: 0, host: '127.0.0.1', port: broker.port }],
      topics: [{ errorCode: 0, name: 't', partitions: [] }],
    }),
  });
  const client = new KafkaClient({
    connection: {
      brokers: [`127.0.0.1:${broker.port}`],
      properties: {
        ...UNSECURED,
        'reconnect.backoff.ms': '0',
        'sasl.oauthbearer.config': 'principal=ann extension_traceId=7',
      },
    },
    clock: systemClock,
    random: systemRandom,
  });
  t.after(async () => {
    await client.close();
    await broker.close();
  });
  return { sent, client };
}

test('the token and its extensions go to the broker as RFC 7628 says', async (t) => {
  const { sent, client } = await brokerAndClient(t, []);
  await client.topic('t');
  const parts = (sent[0] ?? '').split('\x01');
  assert.deepEqual([parts[0], ...parts.slice(2)], ['n,,', 'traceId=7', '', '']);
  const [scheme, token = ''] = (parts[1] ?? '').split(' ');
  assert.equal(scheme, 'auth=Bearer');
  const [head = '', claims = '', signature] = token.split('.');
  assert.deepEqual(JSON.parse(Buffer.from(head, 'base64url').toString()), { alg: 'none' });
  const { sub, iat, exp } = JSON.parse(Buffer.from(claims, 'base64url').toString());
  assert.equal(sub, 'ann');
  assert.equal(exp - iat, 3600);
  assert.equal(signature, '');
});

test('a refused token is answered as the exchange wants, and told with the reason', async (t) => {
  const { sent, client } = await brokerAndClient(t, [
    ['{"status":"invalid_token"}', 0],
    ['', 58],
  ]);
  await assert.rejects(client.topic('t'), (thrown: unknown) => {
    assert.ok(thrown instanceof AppError);
    assert.equal(thrown.code, 'KAFKA_AUTHENTICATION');
    assert.match(
      thrown.message,
      /'ann' \(OAUTHBEARER\): \{"status":"invalid_token"\} \(Authentication failed\)/,
    );
    return true;
  });
  assert.equal(sent[1], '\x01');
});

test('a kept token that is refused is got anew once', async (t) => {
  const { sent, client } = await brokerAndClient(t, [
    ['', 0],
    ['', 58],
    ['', 0],
  ]);
  await client.topic('t');
  // A connection of another use logs in with the kept token, is refused, and gets a new one.
  await assert.rejects(
    client.fetch({
      topic: {
        name: 't',
        topicId: null,
        partitions: [{ partition: 0, leaderId: 0, leaderEpoch: 0 }],
      },
      positions: [{ partition: 0, offset: 0n, maxBytes: 1 }],
      isolation: 'read_committed',
      minBytes: 1,
      maxWaitMs: 1,
      maxBytes: 1,
    }),
    (thrown: unknown) => thrown instanceof AppError && thrown.code !== 'KAFKA_AUTHENTICATION',
  );
  assert.equal(sent.length, 3);
});

test('an endpoint that gives no token is not asked again for each broker', async (t) => {
  let asked = 0;
  const url = await serve(t, (_request, response) => {
    asked += 1;
    response.writeHead(401).end('{"error":"invalid_client"}');
  });
  const client = new KafkaClient({
    connection: {
      brokers: ['127.0.0.1:1', '127.0.0.1:2', '127.0.0.1:3'],
      properties: { ...OIDC, 'sasl.oauthbearer.token.endpoint.url': url },
    },
    clock: systemClock,
    random: systemRandom,
  });
  t.after(() => client.close());
  await assert.rejects(client.topic('t'), { code: 'KAFKA_TOKEN_REFUSED' });
  assert.equal(asked, 1);
});
