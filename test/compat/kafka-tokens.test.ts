// Routine Load by OAUTHBEARER to Apache Kafka: unsecured tokens and signed ones of a token endpoint, sessions
// that end, and what a refused client, a broken endpoint and a forged token give.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, test } from 'node:test';
import { SASL_USER, startKafka, TOKEN_AUDIENCE, TOKEN_SESSION_MS } from '../peers/kafka.ts';
import { createTopic, produce } from '../peers/topics.ts';
import {
  assertUsers,
  createUsers,
  errorOf,
  loadUsers,
  resume,
  showJob,
  untilState,
} from '../support/load-job.ts';
import { startServer } from '../support/start-server.ts';
import { CLIENT, startTokenIssuer, type TokenIssuer } from '../support/token-issuer.ts';

const ROWS = 1000;
let produced = 0;
const about = { subject: SASL_USER.name, audience: TOKEN_AUDIENCE };
const issuer = await startTokenIssuer(about);
const kafka = await startKafka({ secured: true, tokenKeys: issuer.keys });
const server = await startServer({ broker: 'off' });
after(async () => {
  await server.stop();
  await kafka.stop();
  await issuer.close();
});
const { certificates } = kafka;
assert.ok(certificates !== undefined);
await createTopic(kafka.bootstrap, 'users', 2);
await produceMore();

async function produceMore(): Promise<void> {
  await produce(kafka.bootstrap, { topic: 'users', first: produced, count: ROWS });
  produced += ROWS;
}

const unsecured = (config: string): Record<string, string> => ({
  'property.security.protocol': 'SASL_PLAINTEXT',
  'property.sasl.mechanism': 'OAUTHBEARER',
  'property.enable.sasl.oauthbearer.unsecure.jwt': 'true',
  'property.sasl.oauthbearer.config': config,
});

const oidc = (of: Pick<TokenIssuer, 'url'> = issuer): Record<string, string> => ({
  'property.security.protocol': 'SASL_SSL',
  'property.ssl.ca.location': certificates.authority,
  'property.sasl.mechanism': 'OAUTHBEARER',
  'property.sasl.oauthbearer.method': 'oidc',
  'property.sasl.oauthbearer.token.endpoint.url': of.url,
  'property.sasl.oauthbearer.client.id': CLIENT.id,
  'property.sasl.oauthbearer.client.secret': CLIENT.secret,
  'property.sasl.oauthbearer.scope': 'topics read',
});

const jobOf = (name: string, source: Record<string, string>) => ({
  bootstrap: kafka.address(
    source['property.security.protocol'] === 'SASL_SSL' ? 'SASL_SSL' : 'SASL_PLAINTEXT',
  ),
  name,
  topic: 'users',
  source,
});

test('unsecured tokens, with scope and extensions', async () => {
  const config = `principal=${SASL_USER.name} scope=a,b lifeSeconds=60 extension_traceId=123`;
  await loadUsers(server, jobOf('plain_token', unsecured(config)));
  await assertUsers(server, 'plain_token', produced);
});

test('signed tokens of a token endpoint; new sessions take over before the old ones end', async () => {
  await loadUsers(server, jobOf('oidc', oidc()));
  await assertUsers(server, 'oidc', produced);
  assert.ok(issuer.asked.every((scope) => scope === 'topics read'));
  // The broker ends a session after TOKEN_SESSION_MS: the job outlives several, without a word of trouble.
  const until = performance.now() + 3 * TOKEN_SESSION_MS;
  while (performance.now() < until) {
    await produceMore();
    await assertUsers(server, 'oidc', produced);
  }
  const row = await showJob(server, 'oidc');
  assert.equal(row['State'], 'RUNNING');
  assert.equal(row['OtherMsg'], '');
  const custom = row['CustomProperties'] ?? '';
  assert.match(custom, /"sasl\.oauthbearer\.client\.secret":"\*\*\*\*\*\*"/);
  assert.match(custom, /"sasl\.oauthbearer\.token\.endpoint\.url":"http:\/\/127\.0\.0\.1/);
  assert.doesNotMatch(JSON.stringify(row) + server.logTail, new RegExp(CLIENT.secret));
});

test('tokens that live for seconds are got again and again', async () => {
  issuer.lifeSeconds = 4;
  const before = issuer.asked.length;
  await loadUsers(server, jobOf('short', oidc()));
  await assertUsers(server, 'short', produced);
  const until = performance.now() + 10_000;
  while (performance.now() < until) await assertUsers(server, 'short', produced);
  await produceMore();
  await assertUsers(server, 'short', produced);
  const row = await showJob(server, 'short');
  assert.equal(row['State'], 'RUNNING');
  assert.ok(issuer.asked.length - before >= 4, `${issuer.asked.length - before} tokens`);
  issuer.lifeSeconds = 3600;
  await server.sql('STOP ROUTINE LOAD FOR short');
});

test('an https endpoint is verified by https.ca.location, which may be a file of CREATE FILE', async () => {
  const tls = {
    key: await readFile(certificates.serverKeyStore, 'utf8'),
    cert: await readFile(certificates.serverKeyStore, 'utf8'),
  };
  const secure = await startTokenIssuer({ ...about, tls });
  try {
    await createUsers(server, 'untrusted');
    const refused = await createError('untrusted', oidc(secure));
    assert.match(refused, /no token from https:\/\/127\.0\.0\.1:\d+\/token: .*certificate/);
    await server.sql(
      `CREATE FILE "idp.pem" PROPERTIES ("content" = "${await readFile(certificates.authority, 'utf8')}", "catalog" = "kafka")`,
    );
    const trusted = { ...oidc(secure), 'property.https.ca.location': 'FILE:idp.pem' };
    // It trusts the endpoint; the broker does not know that issuer's key.
    assert.match(
      await createError('untrusted', trusted),
      /refused user 'millrace-client' \(OAUTHBEARER\): .*(invalid_token|JWT|signature)/i,
    );
  } finally {
    await secure.close();
  }
});

async function createError(table: string, source: Record<string, string>): Promise<string> {
  const all = { kafka_broker_list: jobOf('x', source).bootstrap, kafka_topic: 'users', ...source };
  const text = Object.entries(all).map(([key, value]) => `"${key}" = "${value}"`);
  const message = await errorOf(
    server,
    `CREATE ROUTINE LOAD x ON ${table} PROPERTIES ("format" = "json") FROM KAFKA (${text.join(', ')})`,
  );
  assert.doesNotMatch(message, new RegExp(`${CLIENT.secret}|eyJ`));
  return message;
}

test('what is wrong with tokens is said at CREATE', async () => {
  await createUsers(server, 'wrong');
  const create = (source: Record<string, string>): Promise<string> => createError('wrong', source);
  assert.match(
    await create({ ...oidc(), 'property.sasl.oauthbearer.client.secret': 'no-secret-hush' }),
    /the token endpoint http.*\/token refused client 'millrace-client': HTTP status 401, invalid_client/,
  );
  assert.match(
    await create({
      ...oidc(),
      'property.sasl.oauthbearer.token.endpoint.url': 'http://127.0.0.1:1/t',
    }),
    /no token from http:\/\/127\.0\.0\.1:1\/t: .*ECONNREFUSED/,
  );
  issuer.mode = 'break';
  assert.match(await create(oidc()), /no token from .*HTTP status 503/);
  issuer.mode = 'forge';
  assert.match(await create(oidc()), /refused user 'millrace-client' \(OAUTHBEARER\)/);
  issuer.mode = 'issue';
  assert.match(
    await create({
      ...unsecured(`principal=${SASL_USER.name}`),
      ...{ 'property.sasl.oauthbearer.config': 'scope=a' },
    }),
    /at least principal=name/,
  );
  const { 'property.enable.sasl.oauthbearer.unsecure.jwt': _, ...without } =
    unsecured('principal=x');
  assert.match(await create(without), /sasl\.oauthbearer\.method oidc/);
  // A token without the rights of the topic.
  assert.match(
    await create(unsecured('principal=nobody')),
    /Kafka does not allow \w+ on topic 'users'/,
  );
});

test('a client that is refused later pauses the job; an endpoint that breaks is tried again', async () => {
  issuer.lifeSeconds = 4;
  await loadUsers(server, jobOf('later', oidc()));
  await assertUsers(server, 'later', produced);
  issuer.mode = 'break';
  await server.until(
    "SELECT OTHER_MSG FROM information_schema.routine_load_jobs WHERE NAME = 'later'",
    (value) => String(value).includes('HTTP status 503'),
    60_000,
  );
  assert.equal((await showJob(server, 'later'))['State'], 'RUNNING');
  issuer.mode = 'refuse';
  const paused = await untilState(server, 'later', 'PAUSED');
  assert.match(
    paused['ReasonOfStateChanged'] ?? '',
    /refused client 'millrace-client': HTTP status 401, invalid_client: Invalid client credentials/,
  );
  issuer.mode = 'issue';
  await produceMore();
  await resume(server, 'later');
  await assertUsers(server, 'later', produced);
});
