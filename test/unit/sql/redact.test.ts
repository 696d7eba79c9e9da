// No secret of any statement that can hold one is shown again, however it is written or cut.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseStatement } from '../../../src/sql/parse.ts';
import { redactStatement } from '../../../src/sql/redact.ts';

/** `HUSH` stands where the secret is. */
const STATEMENTS: readonly string[] = [
  "CREATE USER jack IDENTIFIED BY 'HUSH'",
  'CREATE USER jack IDENTIFIED BY "HUSH" DEFAULT ROLE r',
  "CREATE USER jack IDENTIFIED BY PASSWORD 'HUSH'",
  "CREATE USER jack IDENTIFIED WITH mysql_native_password BY 'HUSH'",
  "CREATE USER jack IDENTIFIED WITH 'caching_sha2_password' AS 'HUSH'",
  "ALTER USER jack IDENTIFIED /* ' */ BY -- ' \n 'HUSH'",
  "SET PASSWORD = PASSWORD('HUSH')",
  "SET PASSWORD FOR 'jack'@'%' = PASSWORD ( 'HUSH' )",
  "SET PASSWORD = 'HUSH'",
  "SET PASSWORD FOR jack = 'HUSH'",
  `CREATE STORAGE VOLUME v TYPE = S3 LOCATIONS = ('s3://b') PROPERTIES ("aws.s3.access_key" = "HUSH")`,
  `CREATE STORAGE VOLUME v TYPE = S3 LOCATIONS = ('s3://b') PROPERTIES ('aws.s3.secret_key' = 'HUSH')`,
  `ALTER STORAGE VOLUME v SET ("azure.blob.shared_key"="HUSH")`,
  `CREATE ROUTINE LOAD j ON t FROM KAFKA ("kafka_broker_list" = "b", "property.sasl.password" = "HUSH")`,
  `ALTER ROUTINE LOAD FOR j FROM KAFKA ("property.sasl.jaas.config" = "Login username='u' password='HUSH';")`,
  `CREATE ROUTINE LOAD j ON t FROM KAFKA ("confluent.schema.registry.url" = "http://u:HUSH@host:8081")`,
  `CREATE FILE "client.key" IN d PROPERTIES ("content" = "-----BEGIN HUSH-----", "catalog" = "kafka")`,
  `CREATE FILE "client.key" PROPERTIES ('catalog' = 'kafka', 'url' = 'data:;base64,HUSH')`,
  `CREATE FILE "client.key" PROPERTIES ("url" = "http://host/key?signature=HUSH")`,
  `PREPARE p FROM 'CREATE FILE "k" PROPERTIES ("content" = "HUSH")'`,
  `CREATE ROUTINE LOAD j ON t FROM KAFKA ("property.ssl.key.pem" = "HUSH")`,
  `CREATE ROUTINE LOAD j ON t FROM KAFKA ("property.sasl.oauthbearer.client.secret" = "HUSH")`,
  `ADMIN SET FRONTEND CONFIG ("aws_s3_secret_key" = "HUSH")`,
  "PREPARE p FROM 'CREATE USER jack IDENTIFIED BY ''HUSH'''",
  `SET @sql = 'ALTER USER jack IDENTIFIED BY "HUSH"'`,
  "SET @password = 'HUSH'",
  "EXPLAIN SELECT * FROM t WHERE api_token = 'HUSH'",
];

for (const sql of STATEMENTS) {
  test(`hides the secret of: ${sql}`, () => {
    const shown = redactStatement(sql);
    assert.ok(!shown.includes('HUSH'), shown);
    assert.ok(shown.includes('******'), shown);
    // Whatever is cut off, and what follows it: the beginning of a secret does not show.
    for (let length = 0; length < sql.length; length += 1) {
      assert.doesNotMatch(redactStatement(sql.slice(0, length)), /HU/);
    }
    // What is shown can be read as a statement of the same kind.
    assert.equal(parseStatement(shown).kind, parseStatement(sql).kind);
  });
}

test('broken statements hide it, too', () => {
  for (const sql of [
    "CREATE USER jack IDENTIFIED 'HUSH'",
    "SET PASSWORD 'HUSH'",
    "CREATE USER jack IDENTIFIED BY 'HUSH' garbage",
    "CREATE USER jack IDENTIFIED BY ('HUSH')",
    "CREATE USER 'jack IDENTIFIED BY 'HUSH'",
    "ALTER USER jack IDENTIFIED WITH x BY 'HUSH' `",
    "-- old: SET PASSWORD = PASSWORD('HUSH')\nSELECT 1",
    "/* IDENTIFIED BY 'HUSH' */ SELECT 1",
  ]) {
    assert.ok(!redactStatement(sql).includes('HUSH'), redactStatement(sql));
  }
});

test('everything else is shown as it was written', () => {
  for (const sql of [
    "SELECT 'a' = 'b', \"x\" FROM t WHERE c LIKE '%password%'",
    'CREATE TABLE t (password VARCHAR(10), `key` INT)',
    "INSERT INTO t VALUES ('passing', 'keys')",
    'SELECT * FROM t -- a comment about passwords',
  ]) {
    assert.equal(redactStatement(sql), sql);
  }
});

test('secrets of any characters stay hidden', () => {
  const secret = fc
    .string({
      minLength: 3,
      maxLength: 12,
      unit: fc.constantFrom('H', "'", '"', '\\', ' ', ';', '*', '/', '-'),
    })
    .map((text) => `Q${text}Q`);
  fc.assert(
    fc.property(secret, (text) => {
      const escaped = text.replaceAll('\\', '\\\\').replaceAll("'", "\\'");
      const shown = redactStatement(`CREATE USER jack IDENTIFIED BY '${escaped}' DEFAULT ROLE r`);
      assert.equal(shown, "CREATE USER jack IDENTIFIED BY '******' DEFAULT ROLE r");
    }),
  );
});

test('long hostile texts cost little', () => {
  for (const text of [
    `password ${"'".repeat(4096)}`,
    `IDENTIFIED ${'"\\'.repeat(2000)}`,
    `"password" ${'= '.repeat(4000)}`,
    `SET @a = '${"PASSWORD(''".repeat(500)}'`,
  ]) {
    const startCpu = process.cpuUsage();
    redactStatement(text);
    assert.ok(process.cpuUsage(startCpu).user / 1000 < 500, text.slice(0, 20));
  }
});
