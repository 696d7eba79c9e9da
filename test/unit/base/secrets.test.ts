import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isSecretName, maskSecrets } from '../../../src/base/secrets.ts';

test('names that carry secrets', () => {
  for (const name of [
    'sasl.password',
    'sasl.jaas.config',
    'ssl.key.pem',
    'ssl.key.password',
    'aws.s3.access_key',
    'aws.s3.secret_key',
    'aws_s3_secret_key',
    'azure.blob.shared_key',
    'azure.blob.sas_token',
    'gcp.gcs.service_account_private_key',
    'property.sasl.oauthbearer.client.secret',
  ]) {
    assert.ok(isSecretName(name), name);
  }
  for (const name of ['ssl.ca.pem', 'ssl.key.location', 'format', 'aws.s3.endpoint', 'group.id']) {
    assert.ok(!isSecretName(name), name);
  }
});

test('statements are shown without their secrets', () => {
  const cases: readonly [string, string][] = [
    [
      `CREATE STORAGE VOLUME v TYPE = S3 LOCATIONS = ("s3://b") PROPERTIES ("aws.s3.access_key" = "AKIA", 'aws.s3.secret_key'='B"B''B', "enabled"="true")`,
      `CREATE STORAGE VOLUME v TYPE = S3 LOCATIONS = ("s3://b") PROPERTIES ("aws.s3.access_key" = "******", 'aws.s3.secret_key'='******', "enabled"="true")`,
    ],
    [
      `... FROM KAFKA("property.sasl.password" /* mine */ =\n "p\\"w", "kafka_topic"="password")`,
      `... FROM KAFKA("property.sasl.password" /* mine */ =\n "******", "kafka_topic"="password")`,
    ],
    [
      `("property.sasl.jaas.config" = "Login username='u' password='secret';")`,
      `("property.sasl.jaas.config" = "******")`,
    ],
    [
      `("confluent.schema.registry.url" = "http://key:hush@host:8081")`,
      `("confluent.schema.registry.url" = "http://******@host:8081")`,
    ],
    [`CREATE USER 'x' IDENTIFIED BY 'hush'`, `CREATE USER 'x' IDENTIFIED BY '******'`],
    [`SET PASSWORD FOR 'x' = PASSWORD('hush')`, `SET PASSWORD FOR 'x' = PASSWORD('******')`],
    [`SELECT 'a' = 'b', "x" FROM t`, `SELECT 'a' = 'b', "x" FROM t`],
  ];
  for (const [sql, shown] of cases) assert.equal(maskSecrets(sql), shown);
});

test('a statement that was cut in the middle of a secret does not show its beginning', () => {
  const sql = `PROPERTIES ("aws.s3.secret_key" = "hush-hush\\"-and more", "x" = "y")`;
  for (let length = 0; length <= sql.length; length += 1) {
    assert.doesNotMatch(maskSecrets(sql.slice(0, length)), /"h|hush|more/);
  }
});

test('long hostile texts are masked in no time', () => {
  for (const text of [
    `"${'\\"'.repeat(2000)}`,
    `${'"password"'.repeat(400)}`,
    `"password"${' '.repeat(4000)}`,
    `"password" ${'/* '.repeat(1300)}`,
    'a://'.repeat(1000),
    `${"'".repeat(4096)}`,
  ]) {
    const startCpu = process.cpuUsage();
    maskSecrets(text);
    assert.ok(process.cpuUsage(startCpu).user / 1000 < 500, text.slice(0, 20));
  }
});
