// TLS to a broker: certificates verified, names checked, client certificates, and each failure's words.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, it } from 'node:test';
import { systemClock } from '../../../../src/base/clock.ts';
import { AppError } from '../../../../src/base/errors.ts';
import { systemRandom } from '../../../../src/base/random.ts';
import { KafkaClient } from '../../../../src/kafka/client/kafka-client.ts';
import { type Script, type ScriptedBroker, startScriptedBroker } from './scripted-broker.ts';

/** Self-signed for the name localhost alone, good for tests only, until 2126. */
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBnTCCAUOgAwIBAgIUYtuhO36epZ+0OTPvzq06SEY27LwwCgYIKoZIzj0EAwIw
GDEWMBQGA1UEAwwNbWlsbHJhY2UtdGVzdDAgFw0yNjExMjEwMzEwNDlaGA8yMTI2
MTAyODAzMTA0OVowGDEWMBQGA1UEAwwNbWlsbHJhY2UtdGVzdDBZMBMGByqGSM49
AgEGCCqGSM49AwEHA0IABJIXZuB4TV0DBJPqm6gEM320ezXZefN6q4PifL/+IVF5
bndo2LbzBGdaWgYvbQYgA1jGTGb1LEDck9w7YKqHkdajaTBnMB0GA1UdDgQWBBRh
TzCqihm+wvMwBmuEU93cRsA2ETAfBgNVHSMEGDAWgBRhTzCqihm+wvMwBmuEU93c
RsA2ETAPBgNVHRMBAf8EBTADAQH/MBQGA1UdEQQNMAuCCWxvY2FsaG9zdDAKBggq
hkjOPQQDAgNIADBFAiEA/dS3EJ7gpjW8sEXhLtjbPfFhx5zyA4uFy0tvFJcdW0gC
IEQeGqcp6ngkPOXk/rcckiCJOVqliKYDWSN9rrKGvKhr
-----END CERTIFICATE-----
`;
const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgOc6yvjAWrSdv+ch5
hCYG69WOc/UeRnSsCIUrpXkZy/6hRANCAASSF2bgeE1dAwST6puoBDN9tHs12Xnz
equD4ny//iFReW53aNi28wRnWloGL20GIANYxkxm9SxA3JPcO2Cqh5HW
-----END PRIVATE KEY-----
`;

const open: { close(): Promise<void> }[] = [];

async function start(tls: { requestCert?: boolean } | null): Promise<ScriptedBroker> {
  const script: Script = {};
  const options = {
    key: KEY,
    cert: CERTIFICATE,
    ca: CERTIFICATE,
    rejectUnauthorized: true,
    ...tls,
  };
  const broker = await startScriptedBroker(script, tls === null ? null : options);
  script.Metadata = () => ({
    brokers: [{ nodeId: 0, host: 'localhost', port: broker.port }],
    topics: [{ errorCode: 0, name: 't', partitions: [partition] }],
  });
  const partition = {
    errorCode: 0,
    partitionIndex: 0,
    leaderId: 0,
    replicaNodes: [],
    isrNodes: [],
  };
  script.Fetch = () => ({
    responses: [
      {
        topic: 't',
        partitions: [{ partitionIndex: 0, errorCode: 0, highWatermark: 1n, records: LARGE }],
      },
    ],
  });
  open.push(broker);
  return broker;
}

/** Larger than the receiver's head and than any TLS record. */
const LARGE = Buffer.alloc(1_000_000, 'x');

function clientOf(broker: ScriptedBroker, properties: Record<string, string>, host = 'localhost') {
  const client = new KafkaClient({
    connection: {
      brokers: [`${host}:${broker.port}`],
      properties: { 'security.protocol': 'SSL', ...properties },
    },
    clock: systemClock,
    random: systemRandom,
  });
  open.push(client);
  return client;
}

async function errorOf(work: Promise<unknown>): Promise<AppError> {
  const thrown: unknown = await work.then(
    () => 'nothing was thrown',
    (error: unknown) => error,
  );
  assert.ok(thrown instanceof AppError, String(thrown));
  return thrown;
}

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

describe('TLS', () => {
  it('reads large answers with the given CA', async () => {
    const broker = await start({});
    const client = clientOf(broker, { 'ssl.ca.pem': CERTIFICATE });
    const topic = await client.topic('t');
    const answer = await client.fetch({
      topic,
      positions: [{ partition: 0, offset: 0n, maxBytes: 1 }],
      isolation: 'read_committed',
      minBytes: 1,
      maxWaitMs: 1,
      maxBytes: 1,
    });
    assert.ok(answer.partitions[0]?.records.equals(LARGE));
  });

  it('refuses a certificate of an unknown CA, unless told not to verify', async () => {
    const broker = await start({});
    const error = await errorOf(clientOf(broker, {}).topic('t'));
    assert.equal(error.code, 'KAFKA_TLS');
    assert.equal(error.kind, 'user');
    const careless = clientOf(broker, { 'enable.ssl.certificate.verification': 'false' });
    assert.equal((await careless.topic('t')).name, 't');
  });

  it('refuses another host name, unless told not to look', async () => {
    const broker = await start({});
    const ca = { 'ssl.ca.pem': CERTIFICATE };
    const error = await errorOf(clientOf(broker, ca, '127.0.0.1').topic('t'));
    assert.equal(error.code, 'KAFKA_TLS');
    const lenient = { ...ca, 'ssl.endpoint.identification.algorithm': 'none' };
    assert.equal((await clientOf(broker, lenient, '127.0.0.1').topic('t')).name, 't');
  });

  it('shows a client certificate from files, and says so when one is missing', async () => {
    const broker = await start({ requestCert: true });
    const directory = await mkdtemp(join(tmpdir(), 'millrace-tls-'));
    try {
      const file = async (name: string, text: string): Promise<string> => {
        await writeFile(join(directory, name), text);
        return join(directory, name);
      };
      const ca = { 'ssl.ca.location': await file('ca.pem', CERTIFICATE) };
      const mutual = {
        ...ca,
        'ssl.certificate.location': await file('client.pem', CERTIFICATE),
        'ssl.key.location': await file('client.key', KEY),
      };
      assert.equal((await clientOf(broker, mutual).topic('t')).name, 't');
      const error = await errorOf(clientOf(broker, ca).topic('t'));
      assert.match(error.code, /^KAFKA_(TLS|UNREACHABLE|CONNECTION_LOST)$/);
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it('names a file that cannot be read', async () => {
    const broker = await start({});
    const error = await errorOf(clientOf(broker, { 'ssl.ca.location': '/nonexistent' }).topic('t'));
    assert.equal(error.code, 'KAFKA_PROPERTY_INVALID');
    assert.match(error.message, /ssl\.ca\.location.*no such file/);
  });

  it('to a port without TLS is an error to retry that says where it stopped', async () => {
    const broker = await start(null);
    broker.script = {};
    const work = clientOf(broker, { 'socket.connection.setup.timeout.ms': '300' }).topic('t');
    const error = await errorOf(work);
    assert.equal(error.code, 'KAFKA_UNREACHABLE');
    assert.match(error.fullMessage, /security\.protocol/);
  });
});
