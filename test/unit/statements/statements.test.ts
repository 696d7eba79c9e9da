// Statements over a real catalog without a wire: sessions, PROCESSLIST, KILL, databases, volumes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fail } from '../../../src/base/errors.ts';
import { newSession, openStatementRig as rig } from '../../support/statement-rig.ts';

const S3 = `"aws.s3.region" = "us-east-1", "aws.s3.endpoint" = "minio:9000",
  "aws.s3.access_key" = "AKIA", "aws.s3.secret_key" = "HUSH"`;

test('SHOW PROCESSLIST shows what runs, without its secrets', async (context) => {
  const one = await rig(context);
  one.sessions = [
    newSession(3, null),
    newSession(
      4,
      `CREATE STORAGE VOLUME v TYPE = S3 LOCATIONS = ("s3://bucket") PROPERTIES (${S3})`,
    ),
  ];
  const rows = await one.run('SHOW FULL PROCESSLIST');
  assert(rows !== 'ok');
  assert.deepEqual(
    rows.map((row) => [row[0], row[4], row[6]]),
    [
      ['3', 'Sleep', '5'],
      ['4', 'Query', '2'],
    ],
  );
  assert.doesNotMatch(JSON.stringify(rows), /HUSH|AKIA/);
  assert.match(String(rows[1]?.[8]), /"aws\.s3\.secret_key" = "\*{6}"/);
});

test('KILL says whom it does not know', async (context) => {
  const one = await rig(context);
  assert.equal(await one.run('KILL QUERY 7'), 'ok');
  assert.equal(await one.run('KILL 7'), 'ok');
  await assert.rejects(one.run('KILL 8'), /Unknown thread id: 8/);
  assert.deepEqual(one.killed, [
    [7, true],
    [7, false],
    [8, false],
  ]);
});

test('SET: session, global, user variables, and what cannot be', async (context) => {
  const one = await rig(context);
  await one.run("SET time_zone = '+8:00', @a = 5, GLOBAL query_timeout = 20");
  assert.equal(one.session.variables.get('time_zone'), '+08:00');
  assert.equal(one.services.globals.get('query_timeout'), '20');
  assert.equal((await one.services.catalog.variables.all()).get('query_timeout'), '20');
  assert.deepEqual(await one.run('SELECT @a, @@query_timeout, @@time_zone'), [
    ['5', '20', '+08:00'],
  ]);
  await one.run('SET NAMES utf8mb4');
  await assert.rejects(one.run('SET NAMES klingon'), /Unknown character set: 'klingon'/);
  await assert.rejects(one.run("SET time_zone = 'Mars/Base'"), /can't be set to the value/);
  await assert.rejects(one.run('SET nosuch = 1'), /Unknown system variable 'nosuch'/);
});

test('databases: names are checked, both ways of IF', async (context) => {
  const one = await rig(context);
  assert.equal(await one.run('CREATE DATABASE IF NOT EXISTS quickstart'), 'ok');
  await assert.rejects(one.run('CREATE DATABASE quickstart'), /database exists/);
  for (const name of ['a/b', '../x', '', ' ', 'x'.repeat(257)]) {
    await assert.rejects(one.run(`CREATE DATABASE \`${name}\``), Error, name);
  }
  assert.equal(await one.run('CREATE DATABASE `größe-1.2`'), 'ok');
  assert.equal(await one.run('DROP DATABASE IF EXISTS nosuch'), 'ok');
  await assert.rejects(one.run('CREATE DATABASE d PROPERTIES ("x" = "y")'), /Unknown property 'x'/);
});

test('a volume is checked and claimed before it is stored', async (context) => {
  const one = await rig(context);
  const create = `CREATE STORAGE VOLUME v TYPE = S3 LOCATIONS = ("s3://bucket/p") PROPERTIES (${S3})`;
  one.broken = fail('STORAGE_ACCESS', {
    where: 's3://bucket/p',
    step: 'write',
    detail: 'no',
    hint: '',
  });
  await assert.rejects(one.run(create), /cannot use storage s3:\/\/bucket\/p: write failed/);
  assert.equal(await one.services.catalog.volumes.find('v'), null);
  one.broken = null;
  await one.run(create);
  assert.deepEqual([one.checked.length, one.claimed.length], [1, 1]);
  const rows = await one.run('DESC STORAGE VOLUME v');
  assert.doesNotMatch(JSON.stringify(rows), /HUSH|AKIA/);
});

test('ALTER STORAGE VOLUME: checks and claims anew, keeps what it does not name', async (context) => {
  const one = await rig(context);
  const { volumes } = one.services.catalog;
  await one.run(
    `CREATE STORAGE VOLUME v TYPE = S3 LOCATIONS = ("s3://bucket/p") PROPERTIES (${S3})`,
  );
  one.broken = fail('STORAGE_ACCESS', {
    where: 's3://bucket/p',
    step: 'read',
    detail: 'no',
    hint: '',
  });
  const rotate = 'ALTER STORAGE VOLUME v SET ("aws.s3.secret_key" = "NEW")';
  await assert.rejects(one.run(rotate), /read failed/);
  assert.equal((await volumes.get('v')).params['aws.s3.secret_key'], 'HUSH');
  one.broken = null;
  await one.run(rotate);
  const { params } = await volumes.get('v');
  assert.equal(params['aws.s3.secret_key'], 'NEW');
  assert.equal(params['aws.s3.access_key'], 'AKIA');
  assert.deepEqual([one.checked.length, one.claimed.length], [2, 2]);
  await one.run(`ALTER STORAGE VOLUME v COMMENT 'hi'`);
  assert.equal((await volumes.get('v')).comment, 'hi');
  assert.equal(one.checked.length, 2);
  await one.run('ALTER STORAGE VOLUME v SET ("enabled" = "FALSE")');
  assert.equal((await volumes.get('v')).enabled, false);
  await assert.rejects(one.run('ALTER STORAGE VOLUME v SET ("enabled" = "no")'), /'enabled': no/);
  await assert.rejects(one.run('ALTER STORAGE VOLUME v SET ("x" = "y")'), /'x'/);
  await assert.rejects(
    one.run('ALTER STORAGE VOLUME local SET ("enabled" = "false")'),
    /Default volume can not be disabled/,
  );
  await assert.rejects(
    one.run('ALTER STORAGE VOLUME nosuch COMMENT "x"'),
    /Unknown storage volume/,
  );
});

test('no statement about volumes or jobs shows a secret in its error', async (context) => {
  const one = await rig(context);
  for (const sql of [
    `CREATE STORAGE VOLUME v TYPE = S3 LOCATIONS = ("s3://bucket") PROPERTIES ("aws.s3.secret_key" = "HUSH")`,
    `CREATE STORAGE VOLUME v TYPE = S3 LOCATIONS = ("s3://bucket") PROPERTIES (${S3}, "x" = "y")`,
    `CREATE STORAGE VOLUME v TYPE = S3 LOCATIONS = ("s3://bucket") PROPERTIES (${S3}, "aws.s3.secret_key" = "HUSH2")`,
    `CREATE ROUTINE LOAD quickstart.j ON site_clicks FROM KAFKA ("kafka_broker_list" = "a:1",
      "kafka_topic" = "t", "property.sasl.password" = "HUSH", "kafka_offsets" = "1")`,
  ]) {
    await assert.rejects(one.run(sql), (error: unknown) => {
      assert(error instanceof Error);
      assert.doesNotMatch(error.message, /HUSH/);
      return true;
    });
  }
});
