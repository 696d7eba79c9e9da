// The property table: defaults, spellings, refusals.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { AppError } from '../../../../src/base/errors.ts';
import { isSecretName } from '../../../../src/base/secrets.ts';
import { formatBrokerAddress, parseBrokerAddress } from '../../../../src/kafka/client/address.ts';
import {
  KAFKA_PROPERTIES,
  KAFKA_PROPERTY_NAMES,
  kafkaPropertyRemarks,
  metadataAgeMs,
  parseKafkaProperties,
} from '../../../../src/kafka/client/properties.ts';
import type { PropertySpec } from '../../../../src/kafka/client/property-spec.ts';
import {
  ACCEPTED_KAFKA_PROPERTIES,
  REFUSED_KAFKA_PROPERTIES,
} from '../../../../src/kafka/client/unmapped-properties.ts';

/** The names of librdkafka's CONFIGURATION.md, one a line. */
const LIBRDKAFKA = readFileSync(
  new URL('../../../fixtures/librdkafka-properties.txt', import.meta.url),
  'utf8',
)
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'));

function refusal(properties: Record<string, string>): AppError {
  try {
    parseKafkaProperties(properties);
  } catch (thrown) {
    assert.ok(thrown instanceof AppError);
    assert.equal(thrown.kind, 'user');
    return thrown;
  }
  throw new Error('nothing was refused');
}

const SASL = {
  'security.protocol': 'SASL_SSL',
  'sasl.mechanism': 'PLAIN',
  'sasl.username': 'u',
  'sasl.password': 'p',
};

describe('Kafka properties', () => {
  it('have defaults that are valid by themselves', () => {
    const settings = parseKafkaProperties({});
    assert.equal(settings['security.protocol'], 'PLAINTEXT');
    assert.equal(settings['isolation.level'], 'read_committed');
    assert.equal(settings['sasl.mechanism'], null);
    for (const [name, row] of Object.entries(KAFKA_PROPERTIES))
      assert.ok(row.meaning.endsWith('.'), `${name} says what it means`);
    // What is secret here is masked wherever names and values are shown.
    for (const [name, row] of Object.entries<PropertySpec<unknown>>(KAFKA_PROPERTIES))
      if (row.secret)
        for (const each of [name, ...row.aliases]) assert.ok(isSecretName(each), each);
  });

  it('take any case, aliases and numbers', () => {
    const { 'sasl.mechanism': _, ...rest } = SASL;
    const settings = parseKafkaProperties({
      ...rest,
      'security.protocol': 'sasl_ssl',
      'sasl.mechanisms': 'scram-sha-256',
      'socket.timeout.ms': '1500',
      'enable.ssl.certificate.verification': 'FALSE',
    });
    assert.equal(settings['security.protocol'], 'SASL_SSL');
    assert.equal(settings['sasl.mechanism'], 'SCRAM-SHA-256');
    assert.equal(settings['socket.timeout.ms'], 1500);
    assert.equal(settings['enable.ssl.certificate.verification'], false);
  });

  it('that are not known are refused with the list of those that are', () => {
    const error = refusal({ 'fetch.wait.mx.ms': '1' });
    assert.equal(error.code, 'KAFKA_PROPERTY_UNKNOWN');
    assert.match(error.fullMessage, /'fetch\.wait\.mx\.ms', nearest are: fetch\.wait\.max\.ms/);
    assert.equal(refusal({ constructor: 'x' }).code, 'KAFKA_PROPERTY_UNKNOWN');
  });

  it('of librdkafka are all known, each in one place', () => {
    const mapped = KAFKA_PROPERTY_NAMES;
    const accepted = Object.keys(ACCEPTED_KAFKA_PROPERTIES);
    const refused = Object.keys(REFUSED_KAFKA_PROPERTIES);
    const all = [...mapped, ...accepted, ...refused];
    assert.deepEqual(
      LIBRDKAFKA.filter((name) => !all.includes(name)),
      [],
    );
    assert.equal(new Set(all).size, all.length);
    assert.ok(LIBRDKAFKA.length > 190);
  });

  it('without effect, or with less than they say, are told', () => {
    const given = {
      'session.timeout.ms': '10000',
      'fetch.max.bytes': '2000000000',
      'receive.message.max.bytes': '1000',
      'client.id': 'x',
      'fetch.min.bytes': '1',
    };
    assert.deepEqual(kafkaPropertyRemarks(given), [
      "Kafka property 'session.timeout.ms' has no effect: Millrace joins no consumer group: it assigns partitions to its tasks itself",
      "Kafka property 'fetch.max.bytes' is '2000000000': it counts as 67108864, the most that has an effect",
      "Kafka property 'receive.message.max.bytes' is '1000': it counts as 1000000, the least that has an effect",
    ]);
    const settings = parseKafkaProperties(given);
    assert.equal(settings['fetch.max.bytes'], 67108864);
    assert.equal(settings['receive.message.max.bytes'], 1_000_000);
  });

  it('that cannot be had are refused with what to do instead', () => {
    for (const [name, instead] of [
      ['sasl.jaas.config', /use property\.sasl\.username/],
      ['bootstrap.servers', /use kafka_broker_list/],
      ['sasl.kerberos.keytab', /Kerberos \(GSSAPI\) is not supported: use sasl\.mechanism SCRAM/],
      ['ssl.truststore.location', /PEM/],
    ] as const) {
      const error = refusal({ [name]: 'hush-hush' });
      assert.equal(error.code, 'KAFKA_PROPERTY_REFUSED');
      assert.match(error.message, instead);
      assert.doesNotMatch(error.fullMessage, /hush-hush/);
    }
    const gssapi = refusal({ 'security.protocol': 'SASL_SSL', 'sasl.mechanism': 'GSSAPI' });
    assert.equal(gssapi.code, 'NOT_SUPPORTED');
    assert.match(gssapi.fullMessage, /GSSAPI is not supported.*SCRAM-SHA-512/);
  });

  it('for the age of metadata: the smaller of two, -1 does not count', () => {
    const age = (properties: Record<string, string>): number =>
      metadataAgeMs(parseKafkaProperties(properties));
    assert.equal(age({}), 30_000);
    assert.equal(age({ 'topic.metadata.refresh.interval.ms': '5000' }), 5000);
    assert.equal(age({ 'topic.metadata.refresh.interval.ms': '-1' }), 30_000);
    const both = { 'topic.metadata.refresh.interval.ms': '9000', 'metadata.max.age.ms': '700' };
    assert.equal(age(both), 700);
  });

  it('with bad values are refused, without showing a secret', () => {
    assert.equal(refusal({ 'socket.timeout.ms': '-1' }).code, 'KAFKA_PROPERTY_INVALID');
    assert.equal(refusal({ 'socket.timeout.ms': '1e3' }).code, 'KAFKA_PROPERTY_INVALID');
    assert.match(refusal({ 'security.protocol': 'tls' }).message, /expected one of PLAINTEXT, SSL/);
    assert.equal(refusal({ ...SASL, 'sasl.password': '' }).code, 'KAFKA_PROPERTY_INVALID');
  });

  it('that do not fit together are refused', () => {
    const conflicts: Record<string, string>[] = [
      { 'security.protocol': 'SASL_PLAINTEXT', 'sasl.username': 'u' },
      { 'sasl.username': 'u' },
      { 'ssl.ca.location': '/ca.pem' },
      { ...SASL, 'sasl.mechanisms': 'SCRAM-SHA-256' },
      { 'security.protocol': 'SSL', 'ssl.certificate.location': '/c.pem' },
      { 'security.protocol': 'SSL', 'ssl.ca.location': '/c.pem', 'ssl.ca.pem': 'x' },
      { 'security.protocol': 'SSL', 'ssl.keystore.password': 'x' },
      { 'security.protocol': 'SSL', 'ssl.key.password': 'x' },
      {
        'security.protocol': 'SSL',
        'ssl.keystore.location': '/k.p12',
        'ssl.certificate.pem': 'x',
        'ssl.key.pem': 'y',
      },
    ];
    for (const properties of conflicts)
      assert.equal(refusal(properties).code, 'KAFKA_PROPERTY_CONFLICT');
  });
});

describe('broker addresses', () => {
  it('are host:port or [ipv6]:port', () => {
    for (const text of ['kafka-1.example:9092', '10.0.0.1:1', '[::1]:65535'])
      assert.equal(formatBrokerAddress(parseBrokerAddress(` ${text} `)), text);
  });

  it('that are something else are refused', () => {
    for (const text of ['', 'host', 'host:', ':9092', 'host:0', 'host:65536', 'a b:1', '::1:9092'])
      assert.throws(() => parseBrokerAddress(text), { code: 'KAFKA_PROPERTY_INVALID' });
  });
});
