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

/** The same key with the pass phrase `phrase`. */
const ENCRYPTED_KEY = `-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAiJUXA5V2YmDgICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEAQIEEPc98ptnKbmmKZQllmkbLJoEgZC2
tYnfgmnN4IIvHlsYPfxBUjNGonIKLysZ7ysRjXmG6GiptHosww9Yl13rLfrmTIIU
O74qcgMsGGav77O1O71FbNzecmQ8YYAvItvGOrdrVY56xV/iq6rf4eWxuJ4DVcRK
4tw4dUiz1188H/FljP9/sW4oiUMbxCh/jvYLjypj3oIOUInHUQ9JdECjDgw9P2M=
-----END ENCRYPTED PRIVATE KEY-----
`;
/** Certificate and key as PKCS#12 with that pass phrase. */
const KEY_STORE = Buffer.from(
  `MIIETwIBAzCCBAUGCSqGSIb3DQEHAaCCA/YEggPyMIID7jCCApIGCSqGSIb3DQEHBqCCAoMwggJ/AgEAMIICeAYJKoZIhvcN
AQcBMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAgoH+2EFFoe7gICCAAwDAYIKoZIhvcNAgkFADAdBglghkgBZQME
ASoEENt3n5/0BWaMe8OBDTP21kGAggIQhw4THKgbCjpSsyidDiNodwOZHRgjX2U4sd6pdTgNT3C028U6e1UoPU7KTFy9hMsF
PKAAXCvW2/9pK7x8aW36w0IjyPUjhDMmLKr1be+GXVbmeMEDOJraSJXhJvwySofwbIEXiI5E34MEWvWf+OuD74stl80YtERL
azWWe0USqaNXhoTywLjHBWPJtj73sYvbyYJC/76AGxH9iekt8WFP0WJR3UlyXcchB155M3a/XFfM9Ee2JkysNIOPj07ycAsk
/IcFsyY0M9scad8wLX3gYY7EPLyeBAmzZ/3VgDMzb7SY04INJaW0xMh1v0M8OqamswDzspCGBQHxfS0k7AfY/fFd761HWcsl
2IhygP3FO48mA72umtO9OMqG/jzwQCNM95NEZZmD2hx0IRVLjHv9GrcPef7HERPo8e4OLwyzHtUUUmtmqn9hcPef578CGqVr
Jm4qdgvcTQvJcG9eubwTVhcIoc20sMBxTf9uwN/Wu4ntLSsW7Vi7ZwSwHpRBBxj/yM36Z9JbQ5quDI/p/G4WokkrzdVxruCa
iuHhbVOPbwBTgfop8oDPlYs/QNDTRLIZjeuHLJaIaa3naqxA8AcAw0YZdiiW0cNUXkBuugYwu+4w+7fxKBqSGTuaEKNfjA87
/Ya9JQIFLtYPuajDfaR3BNBm2rGQ7PizCF/nsUxYdHImc//gTn4mk8ukGPSVbcsrMIIBVAYJKoZIhvcNAQcBoIIBRQSCAUEw
ggE9MIIBOQYLKoZIhvcNAQwKAQKgge8wgewwVwYJKoZIhvcNAQUNMEowKQYJKoZIhvcNAQUMMBwECC3lMH6OxD4GAgIIADAM
BggqhkiG9w0CCQUAMB0GCWCGSAFlAwQBKgQQS8uCSVhgDsWERTFs+n4RSgSBkDQpKiUrY0MqFwHcOnv5Bp8FAagC6lewCjE0
3J7DsPgjzGHWyWLjc0jVmPpnjmVh314dIT/dLf2Ih/ipl8G+h1R4l3zVlyRBWD1kKZM4Nv3UH10S10q6xcTw5NTx+oz3Q2dh
kZhe1z1fQnHixZBNLgvBK7MxQeR3RPaXijVnsYzTAAyHI0HD/JINLsCP1zquFjE4MBEGCSqGSIb3DQEJFDEEHgIAYzAjBgkq
hkiG9w0BCRUxFgQURO01olAcr+5mnB4kWOBtqk+rtZcwQTAxMA0GCWCGSAFlAwQCAQUABCATZZlf37ovOgcjOm80bkXkvh6l
crUqct/siUNCD1zvJAQIwQZyDtFvTEMCAggA`,
  'base64',
);

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

function clientOf(
  broker: ScriptedBroker,
  properties: Record<string, string>,
  host = 'localhost',
  files: Record<string, Buffer> = {},
) {
  const client = new KafkaClient({
    connection: {
      brokers: [`${host}:${broker.port}`],
      properties: { 'security.protocol': 'SSL', ...properties },
      files,
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

  it('takes files that came with the connection, encrypted keys and key stores', async () => {
    const broker = await start({ requestCert: true });
    const files = {
      ca: Buffer.from(CERTIFICATE),
      chain: Buffer.from(CERTIFICATE),
      key: Buffer.from(ENCRYPTED_KEY),
      store: KEY_STORE,
    };
    const ca = { 'ssl.ca.location': 'FILE:ca' };
    const pair = {
      ...ca,
      'ssl.certificate.location': 'FILE:chain',
      'ssl.key.location': 'FILE:key',
      'ssl.key.password': 'phrase',
    };
    const store = {
      ...ca,
      'ssl.keystore.location': 'FILE:store',
      'ssl.keystore.password': 'phrase',
    };
    const topicOf = (properties: Record<string, string>) =>
      clientOf(broker, properties, 'localhost', files).topic('t');
    assert.equal((await topicOf(pair)).name, 't');
    assert.equal((await topicOf(store)).name, 't');
    const wrong: readonly (readonly [Record<string, string>, RegExp])[] = [
      [{ ...ca, 'ssl.ca.location': 'FILE:nope' }, /ssl\.ca\.location' is 'FILE:nope'.*CREATE FILE/],
      [{ ...ca, 'ssl.ca.location': 'FILE:store' }, /ssl\.ca\.location' is 'FILE:store'.*PEM/],
      [{ ...pair, 'ssl.key.password': 'hush-hush' }, /ssl\.key\.location.*ssl\.key\.password/],
      [{ ...pair, 'ssl.key.location': 'FILE:chain' }, /ssl\.key\.location.*private key/],
      [{ ...store, 'ssl.keystore.password': 'hush-hush' }, /ssl\.keystore\.location.*PKCS#12/],
      [{ ...ca, 'ssl.crl.location': 'FILE:store' }, /ssl\.crl\.location.*revocation list/],
      [{ ...ca, 'ssl.cipher.suites': 'NO-SUCH' }, /ssl\.cipher\.suites.*cipher list/],
      [{ ...ca, 'ssl.curves.list': 'NO-SUCH' }, /ssl\.curves\.list.*known curves/],
      [{ ...ca, 'ssl.sigalgs.list': 'NO-SUCH' }, /ssl\.sigalgs\.list.*known algorithms/],
      [{ 'ssl.ca.pem': 'hush-hush' }, /ssl\.ca\.pem.*PEM/],
    ];
    for (const [properties, message] of wrong) {
      const error = await errorOf(topicOf(properties));
      assert.equal(error.code, 'KAFKA_PROPERTY_INVALID');
      assert.match(error.message, message);
      assert.doesNotMatch(error.fullMessage, /hush-hush/);
    }
    const ciphers = { ...pair, 'ssl.cipher.suites': 'ECDHE+AESGCM', 'ssl.curves.list': 'P-256' };
    assert.equal((await topicOf(ciphers)).name, 't');
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
    const work = clientOf(broker, { 'socket.connection.setup.timeout.ms': '1000' }).topic('t');
    const error = await errorOf(work);
    assert.equal(error.code, 'KAFKA_UNREACHABLE');
    assert.match(error.fullMessage, /security\.protocol/);
  });
});
