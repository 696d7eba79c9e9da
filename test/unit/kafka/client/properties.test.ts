// The property table: defaults, spellings, refusals.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AppError } from '../../../../src/base/errors.ts';
import { formatBrokerAddress, parseBrokerAddress } from '../../../../src/kafka/client/address.ts';
import { KAFKA_PROPERTIES, parseKafkaProperties } from '../../../../src/kafka/client/properties.ts';

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
    assert.match(error.fullMessage, /fetch\.wait\.mx\.ms/);
    assert.match(error.fullMessage, /known are: .*sasl\.mechanisms.*ssl\.ca\.location/);
  });

  it('with bad values are refused, without showing a secret', () => {
    assert.equal(refusal({ 'socket.timeout.ms': '-1' }).code, 'KAFKA_PROPERTY_INVALID');
    assert.equal(refusal({ 'socket.timeout.ms': '1e3' }).code, 'KAFKA_PROPERTY_INVALID');
    assert.match(refusal({ 'security.protocol': 'tls' }).message, /expected one of PLAINTEXT, SSL/);
    assert.equal(refusal({ ...SASL, 'sasl.password': '' }).code, 'KAFKA_PROPERTY_INVALID');
    const mechanism = refusal({ ...SASL, 'sasl.mechanism': 'OAUTHBEARER' });
    assert.equal(mechanism.code, 'NOT_SUPPORTED');
    assert.match(mechanism.fullMessage, /OAUTHBEARER is not supported.*SCRAM-SHA-512/);
  });

  it('that do not fit together are refused', () => {
    const conflicts: Record<string, string>[] = [
      { 'security.protocol': 'SASL_PLAINTEXT', 'sasl.username': 'u' },
      { 'sasl.username': 'u' },
      { 'ssl.ca.location': '/ca.pem' },
      { ...SASL, 'sasl.mechanisms': 'SCRAM-SHA-256' },
      { 'security.protocol': 'SSL', 'ssl.certificate.location': '/c.pem' },
      { 'security.protocol': 'SSL', 'ssl.ca.location': '/c.pem', 'ssl.ca.pem': 'x' },
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
