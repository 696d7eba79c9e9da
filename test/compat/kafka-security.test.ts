// Routine Load over SASL and TLS to Apache Kafka, and what a wrong password or certificate gives.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, test } from 'node:test';
import { KEY_PHRASE } from '../peers/certificates.ts';
import { SASL_USER, STRANGER, startKafka } from '../peers/kafka.ts';
import { kcatAll } from '../peers/kcat.ts';
import { createTopic, produce } from '../peers/topics.ts';
import {
  assertUsers,
  createJob,
  createUsers,
  errorOf,
  loadUsers,
  resume,
  showJob,
  untilState,
} from '../support/load-job.ts';
import { startServer } from '../support/start-server.ts';

const ROWS = 2000;
/** Users in the topic so far. */
let produced = 0;
const kafka = await startKafka({ secured: true });
const server = await startServer({ broker: 'off' }).catch(async (error: unknown) => {
  await kafka.stop();
  throw error;
});
after(async () => {
  await server.stop();
  await kafka.stop();
});
const { certificates } = kafka;
assert.ok(certificates !== undefined);
await createTopic(kafka.bootstrap, 'users', 2);
await produceMore();

async function produceMore(): Promise<void> {
  await produce(kafka.bootstrap, { topic: 'users', first: produced, count: ROWS });
  produced += ROWS;
}

function sasl(mechanism: string, password: string = SASL_USER.password): Record<string, string> {
  return {
    'property.sasl.mechanism': mechanism,
    'property.sasl.username': SASL_USER.name,
    'property.sasl.password': password,
  };
}

for (const mechanism of ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'])
  test(`SASL ${mechanism}`, async () => {
    const name = `sasl_${mechanism.toLowerCase().replaceAll('-', '_')}`;
    await loadUsers(server, {
      bootstrap: kafka.address('SASL_PLAINTEXT'),
      name,
      topic: 'users',
      source: { 'property.security.protocol': 'SASL_PLAINTEXT', ...sasl(mechanism) },
    });
    await assertUsers(server, name, produced);
    const row = await showJob(server, name);
    assert.match(row['CustomProperties'] ?? '', /"sasl\.password":"\*\*\*\*\*\*"/);
    assert.doesNotMatch(JSON.stringify(row) + server.logTail, new RegExp(SASL_USER.password));
  });

test('TLS with a client certificate', async () => {
  await loadUsers(server, {
    bootstrap: kafka.address('SSL'),
    name: 'tls',
    topic: 'users',
    source: {
      'property.security.protocol': 'SSL',
      'property.ssl.ca.location': certificates.authority,
      'property.ssl.certificate.location': certificates.clientCertificate,
      'property.ssl.key.location': certificates.clientKey,
    },
  });
  await assertUsers(server, 'tls', produced);
});

/** CREATE FILE of a certificate or key, as text or, where it is none, by a data: URL. */
async function makeFile(name: string, path: string): Promise<void> {
  const bytes = await readFile(path);
  const isText = bytes.includes('-----BEGIN');
  const given = isText
    ? `"content" = "${bytes.toString()}"`
    : `"url" = "data:application/octet-stream;base64,${bytes.toString('base64')}"`;
  await server.sql(`CREATE FILE "${name}" PROPERTIES (${given}, "catalog" = "kafka")`);
}

const OVER_TLS = { 'property.security.protocol': 'SSL' };

test('mutual TLS with files of CREATE FILE, the key with a pass phrase', async () => {
  await createUsers(server, 'by_file');
  await makeFile('ca.pem', certificates.authority);
  await makeFile('client.pem', certificates.clientCertificate);
  await makeFile('client.key', certificates.encryptedClientKey);
  await createJob(server, {
    bootstrap: kafka.address('SSL'),
    name: 'by_file',
    topic: 'users',
    source: {
      ...OVER_TLS,
      'property.ssl.ca.location': 'FILE:ca.pem',
      'property.ssl.certificate.location': 'FILE:client.pem',
      'property.ssl.key.location': 'FILE:client.key',
      'property.ssl.key.password': KEY_PHRASE,
    },
  });
  await assertUsers(server, 'by_file', produced);
  const dropped = await errorOf(server, 'DROP FILE "client.key" PROPERTIES ("catalog" = "kafka")');
  assert.match(dropped, /'client\.key' cannot be dropped: Routine Load 'by_file' names it/);
  const row = JSON.stringify(await showJob(server, 'by_file'));
  assert.match(row, /FILE:client\.key/);
  assert.doesNotMatch(row + server.logTail, new RegExp(`${KEY_PHRASE}|BEGIN ENCRYPTED`));
});

test('dead letters go by the same certificates and passwords as messages come', async () => {
  const byFile = {
    ...OVER_TLS,
    'property.ssl.ca.location': 'FILE:ca.pem',
    'property.ssl.certificate.location': 'FILE:client.pem',
    'property.ssl.key.location': 'FILE:client.key',
    'property.ssl.key.password': KEY_PHRASE,
  };
  const bySasl = { 'property.security.protocol': 'SASL_PLAINTEXT', ...sasl('SCRAM-SHA-512') };
  for (const [name, protocol, source] of [
    ['letters_tls', 'SSL', byFile],
    ['letters_sasl', 'SASL_PLAINTEXT', bySasl],
  ] as const) {
    await createTopic(kafka.bootstrap, name, 2);
    // No id is a date: all are rejected, and the job pauses behind its first batch.
    await loadUsers(server, {
      bootstrap: kafka.address(protocol),
      name,
      topic: 'users',
      columns: 'id DATE NOT NULL, name STRING',
      source: { ...source, dead_letter_topic: name },
    });
    await untilState(server, name, 'PAUSED');
    const rejected = await server.value(
      `SELECT count(*) FROM _statistics_.rejected_records WHERE target_table = '${name}'`,
    );
    const letters = await kcatAll(kafka.bootstrap, name, '%s\n');
    assert.equal(String(letters.trim().split('\n').length), rejected);
    assert.match(letters, /^\{"id": ?\d+, ?"name": ?"user-\d+"\}$/m);
  }
});

test('mutual TLS with a PKCS#12 file, and with the texts themselves', async () => {
  await makeFile('client.p12', certificates.clientKeyStore);
  await loadUsers(server, {
    bootstrap: kafka.address('SSL'),
    name: 'keystore',
    topic: 'users',
    source: {
      ...OVER_TLS,
      'property.ssl.ca.location': 'FILE:ca.pem',
      'property.ssl.keystore.location': 'FILE:client.p12',
      'property.ssl.keystore.password': KEY_PHRASE,
    },
  });
  await assertUsers(server, 'keystore', produced);
  await loadUsers(server, {
    bootstrap: kafka.address('SSL'),
    name: 'texts',
    topic: 'users',
    source: {
      ...OVER_TLS,
      'property.ssl.ca.pem': await readFile(certificates.authority, 'utf8'),
      'property.ssl.certificate.pem': await readFile(certificates.clientCertificate, 'utf8'),
      'property.ssl.key.pem': await readFile(certificates.clientKey, 'utf8'),
    },
  });
  await assertUsers(server, 'texts', produced);
  const row = JSON.stringify(await showJob(server, 'texts'));
  assert.doesNotMatch(row + server.logTail, /BEGIN PRIVATE KEY/);
});

test('a broker whose certificate has another name', async () => {
  await createUsers(server, 'named');
  const source = { ...OVER_TLS, 'property.ssl.ca.location': 'FILE:ca.pem' };
  const create = createJob(server, {
    bootstrap: kafka.misnamed,
    name: 'named',
    topic: 'users',
    source,
  });
  await assert.rejects(create, /TLS to Kafka broker .*failed: .*(altnames|IP: 127\.0\.0\.1)/);
  await createJob(server, {
    bootstrap: kafka.misnamed,
    name: 'named',
    topic: 'users',
    source: { ...source, 'property.ssl.endpoint.identification.algorithm': 'none' },
  });
  await assertUsers(server, 'named', produced);
});

test('certificates that an ALTER makes wrong pause the job within seconds, right ones let it go on', async () => {
  await makeFile('stranger.pem', certificates.strangerAuthority);
  const alter = async (ca: string): Promise<void> => {
    await server.sql('PAUSE ROUTINE LOAD FOR keystore');
    await server.sql(
      `ALTER ROUTINE LOAD FOR keystore FROM KAFKA ("property.ssl.ca.location" = "FILE:${ca}")`,
    );
    await server.sql('RESUME ROUTINE LOAD FOR keystore');
  };
  await alter('stranger.pem');
  const paused = await untilState(server, 'keystore', 'PAUSED', 10_000);
  assert.match(
    paused['ReasonOfStateChanged'] ?? '',
    /TLS to Kafka broker .*failed: .*(certificate|self-signed|issuer)/,
  );
  await server.sql(
    'ALTER ROUTINE LOAD FOR keystore FROM KAFKA ("property.ssl.ca.location" = "FILE:ca.pem")',
  );
  await server.sql('RESUME ROUTINE LOAD FOR keystore');
  await produceMore();
  for (const name of ['keystore', 'by_file', 'named']) await assertUsers(server, name, produced);
});

test('Kerberos is a clear refusal', async () => {
  await createUsers(server, 'kerberos');
  const message = await errorOf(
    server,
    `CREATE ROUTINE LOAD kerberos ON kerberos FROM KAFKA ("kafka_broker_list" = "${kafka.address('SASL_PLAINTEXT')}",
      "kafka_topic" = "users", "property.security.protocol" = "SASL_PLAINTEXT", "property.sasl.mechanism" = "GSSAPI")`,
  );
  assert.match(message, /GSSAPI is not supported.*SCRAM-SHA-512/);
});

for (const mechanism of ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'])
  test(`SASL ${mechanism} over TLS`, async () => {
    const name = `tls_${mechanism.toLowerCase().replaceAll('-', '_')}`;
    await loadUsers(server, {
      bootstrap: kafka.address('SASL_SSL'),
      name,
      topic: 'users',
      source: {
        'property.security.protocol': 'SASL_SSL',
        'property.ssl.ca.location': certificates.authority,
        ...sasl(mechanism),
      },
    });
    await assertUsers(server, name, produced);
  });

test('the broker restarts under a SASL job over TLS', async () => {
  await kafka.restart();
  await produceMore();
  for (const name of ['tls_plain', 'tls_scram_sha_512', 'tls', 'sasl_scram_sha_256']) {
    await assertUsers(server, name, produced);
    assert.equal((await showJob(server, name))['State'], 'RUNNING');
  }
});

test('what is wrong with user, password or certificates is said at CREATE', async () => {
  await createUsers(server, 'wrong');
  const create = async (
    bootstrap: string,
    source: Readonly<Record<string, string>>,
  ): Promise<string> => {
    const all = { kafka_broker_list: bootstrap, kafka_topic: 'users', ...source };
    const text = Object.entries(all).map(([key, value]) => `"${key}" = "${value}"`);
    const message = await errorOf(
      server,
      `CREATE ROUTINE LOAD wrong ON wrong PROPERTIES ("format" = "json") FROM KAFKA (${text.join(', ')})`,
    );
    assert.doesNotMatch(message, new RegExp(`${SASL_USER.password}|wrong-password`));
    return message;
  };
  const overSasl = { 'property.security.protocol': 'SASL_PLAINTEXT' };
  const overBoth = {
    'property.security.protocol': 'SASL_SSL',
    'property.ssl.ca.location': certificates.authority,
  };
  for (const mechanism of ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'])
    for (const [listener, source] of [
      ['SASL_PLAINTEXT', overSasl],
      ['SASL_SSL', overBoth],
    ] as const)
      assert.match(
        await create(kafka.address(listener), { ...source, ...sasl(mechanism, 'wrong-password') }),
        new RegExp(`refused user 'loader' \\(${mechanism}\\)`),
      );
  // Without SASL where SASL is wanted, and without TLS where TLS is wanted.
  assert.match(await create(kafka.address('SASL_PLAINTEXT'), {}), /security\.protocol/);
  assert.match(await create(kafka.address('SSL'), {}), /security\.protocol/);
  const tls = { 'property.security.protocol': 'SSL' };
  assert.match(
    await create(kafka.bootstrap, tls),
    /TLS to Kafka broker .* failed|security\.protocol/,
  );
  assert.match(await create(kafka.address('SSL'), tls), /certificate/);
  assert.match(
    await create(kafka.address('SSL'), {
      ...tls,
      'property.ssl.ca.location': certificates.strangerAuthority,
    }),
    /certificate/,
  );
  assert.match(
    await create(kafka.address('SSL'), {
      ...tls,
      'property.ssl.ca.location': certificates.authority,
    }),
    /TLS to Kafka broker .* failed: .*certificate/,
  );
  assert.match(
    await create(kafka.address('SSL'), { ...tls, 'property.ssl.ca.location': '/no/such/file.pem' }),
    /\/no\/such\/file\.pem/,
  );
});

test('a user without rights is told what it may not do', async () => {
  await createUsers(server, 'stranger');
  const message = await errorOf(
    server,
    `CREATE ROUTINE LOAD stranger ON stranger PROPERTIES ("format" = "json") FROM KAFKA (
      "kafka_broker_list" = "${kafka.address('SASL_PLAINTEXT')}", "kafka_topic" = "users",
      "property.security.protocol" = "SASL_PLAINTEXT", "property.sasl.mechanism" = "SCRAM-SHA-512",
      "property.sasl.username" = "${STRANGER.name}", "property.sasl.password" = "${STRANGER.password}")`,
  );
  assert.match(message, /Kafka does not allow \w+ on topic 'users'/);
});

test('a password that is changed on the broker pauses the job with the reason', async () => {
  const name = 'changed';
  await loadUsers(server, {
    bootstrap: kafka.address('SASL_PLAINTEXT'),
    name,
    topic: 'users',
    source: { 'property.security.protocol': 'SASL_PLAINTEXT', ...sasl('SCRAM-SHA-256') },
  });
  await assertUsers(server, name, produced);
  await kafka.setScramPassword('another-password');
  await kafka.restart();
  const paused = await untilState(server, name, 'PAUSED');
  assert.match(paused['ReasonOfStateChanged'] ?? '', /refused user 'loader' \(SCRAM-SHA-256\)/);
  await kafka.setScramPassword(SASL_USER.password);
  await produceMore();
  await resume(server, name);
  await assertUsers(server, name, produced);
});
