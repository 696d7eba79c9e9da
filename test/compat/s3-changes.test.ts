// Tables whose files lie on a real S3 server: UPDATE, DELETE, INSERT OVERWRITE, upserts, compaction, time travel, CHECK
// TABLE, doctor and the sweep, which look only at what the server lists.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { rm, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { present } from '../../src/base/assert.ts';
import { type S3Peer, startVersitygw } from '../peers/versitygw.ts';
import { newDataDir, startServer, type TestServer } from '../support/start-server.ts';

const BUCKET = 'lake';
const MODELS = ['DUPLICATE', 'PRIMARY', 'UNIQUE', 'AGGREGATE'] as const;

let s3: S3Peer;
let server: TestServer;
const dataDir = newDataDir();

before(async () => {
  s3 = await startVersitygw([BUCKET]);
  server = await startServer({ dataDir, broker: 'off' });
  await server.sql(
    `CREATE STORAGE VOLUME v TYPE = S3 LOCATIONS = ("s3://${BUCKET}/") PROPERTIES ("enabled" = "true", "aws.s3.endpoint" = "${s3.endpoint}", "aws.s3.access_key" = "${s3.accessKey}", "aws.s3.secret_key" = "${s3.secretKey}", "aws.s3.use_instance_profile" = "false", "aws.s3.use_aws_sdk_default_behavior" = "false")`,
  );
  await server.sql('SET v AS DEFAULT STORAGE VOLUME');
  await server.sql('CREATE DATABASE d');
  await server.sql('USE d');
});
after(async () => {
  await server?.stop();
  await s3?.close();
  await rm(dataDir, { recursive: true, force: true });
});

const parquet = async (table: string): Promise<readonly string[]> =>
  (await s3.objects(BUCKET)).filter(
    (key) => key.startsWith(`d/${table}-`) && key.endsWith('.parquet'),
  );

async function assertWhole(table: string): Promise<void> {
  const { rows } = await server.sql(`CHECK TABLE d.${table} EXTENDED`);
  assert.equal(rows.at(-1)?.[3], 'OK', JSON.stringify(rows));
}

/** Waits for a version after `head` that a compaction made. */
async function untilCompacted(table: string, head: number): Promise<void> {
  const untilMs = performance.now() + 60_000;
  for (;;) {
    const { rows } = await server.sql(`SHOW SNAPSHOTS FROM d.${table}`);
    const isDone = rows.some(
      ([version, , what]) => Number(version) > head && what === 'LAKE_COMPACTION',
    );
    if (isDone) return;
    assert.ok(performance.now() < untilMs, `${JSON.stringify(rows)}\n${server.logTail}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function doctor(...args: string[]): Promise<{ code: number | null; stdout: string }> {
  return new Promise((resolve) => {
    const child = spawn(
      process.execPath,
      ['src/main.ts', 'doctor', '--deep', '--port', String(server.ready.queryPort), ...args],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let stdout = '';
    child.stdout.on('data', (data) => {
      stdout += data;
    });
    child.once('close', (code) => resolve({ code, stdout }));
  });
}

for (const model of MODELS) {
  const table = model.toLowerCase();
  test(`${model} KEY: changes, compaction, versions, CHECK TABLE`, async () => {
    const sum = model === 'AGGREGATE' ? ' SUM' : '';
    await server.sql(
      `CREATE TABLE d.${table} (k INT NOT NULL, v BIGINT${sum}) ${model} KEY(k) DISTRIBUTED BY HASH(k)`,
    );
    for (let part = 0; part < 6; part += 1) {
      await server.sql(
        `INSERT INTO d.${table} SELECT generate_series, 1 FROM TABLE(generate_series(${part * 100}, ${part * 100 + 99}))`,
      );
    }
    const totals = async (at = ''): Promise<readonly (string | null)[]> =>
      (await server.sql(`SELECT count(*), sum(v) FROM d.${table}${at}`)).rows[0] ?? [];
    assert.deepEqual(await totals(), ['600', '600']);
    const version = await server.value(`SHOW SNAPSHOTS FROM d.${table}`);
    let expected: readonly [number, number] = [600, 600];
    if (model !== 'AGGREGATE') {
      await server.sql(`UPDATE d.${table} SET v = v + 1 WHERE k < 50`);
      expected = [600, 650];
      assert.deepEqual(await totals(), expected.map(String));
    }
    await server.sql(`DELETE FROM d.${table} WHERE k % 10 = 3`);
    expected = [540, expected[1] - (model === 'AGGREGATE' ? 60 : 65)];
    assert.deepEqual(await totals(), expected.map(String));
    // The same keys again.
    await server.sql(`INSERT INTO d.${table} VALUES (0, 10), (1, 10)`);
    const before = expected;
    if (model === 'DUPLICATE') expected = [before[0] + 2, before[1] + 20];
    else expected = [before[0], before[1] + 20 - (model === 'AGGREGATE' ? 0 : 4)];
    assert.deepEqual(await totals(), expected.map(String));
    const head = Number(await server.value(`SHOW SNAPSHOTS FROM d.${table}`));
    await server.sql(`ALTER TABLE d.${table} COMPACT`);
    await untilCompacted(table, head);
    assert.deepEqual(await totals(), expected.map(String));
    assert.deepEqual(await totals(` FOR VERSION AS OF ${version}`), ['600', '600']);
    await assertWhole(table);
  });
}

test('INSERT OVERWRITE, TRUNCATE and ROLLBACK TO', async () => {
  await server.sql(
    'CREATE TABLE d.places (k INT NOT NULL, p INT NOT NULL, v INT) PRIMARY KEY(k, p) PARTITION BY (p) DISTRIBUTED BY HASH(k)',
  );
  await server.sql('INSERT INTO d.places VALUES (1, 1, 1), (2, 2, 2), (3, 3, 3)');
  const version = await server.value('SHOW SNAPSHOTS FROM d.places');
  await server.sql('INSERT OVERWRITE d.places PARTITION (p2) VALUES (9, 2, 9)');
  await server.sql('DELETE FROM d.places WHERE p = 1');
  const rows = async (): Promise<unknown> =>
    (await server.sql('SELECT k, p, v FROM d.places ORDER BY k')).rows;
  assert.deepEqual(await rows(), [
    ['3', '3', '3'],
    ['9', '2', '9'],
  ]);
  await server.sql('TRUNCATE TABLE d.places');
  assert.deepEqual(await rows(), []);
  await server.sql(`ALTER TABLE d.places ROLLBACK TO VERSION ${version}`);
  assert.deepEqual(await rows(), [
    ['1', '1', '1'],
    ['2', '2', '2'],
    ['3', '3', '3'],
  ]);
  await assertWhole('places');
});

test('the sweep: what nobody names goes, what a version names stays; a dry run changes nothing', async () => {
  await server.sql(
    'CREATE TABLE d.swept (k INT NOT NULL, v INT) PRIMARY KEY(k) DISTRIBUTED BY HASH(k)',
  );
  await server.sql('INSERT INTO d.swept VALUES (1, 1), (2, 2)');
  await server.sql('INSERT INTO d.swept VALUES (1, 5), (3, 3)');
  await server.sql('DELETE FROM d.swept WHERE k = 2');
  const named = await parquet('swept');
  // As a loader leaves it that was killed after its upload: the transaction is final, and does not name it.
  const first = present(named[0], 'a file');
  const orphan = first.replace(/[^/]+\.parquet$/, '0ee1b8a0-0000-4000-8000-000000000000.parquet');
  await writeFile(join(s3.root, BUCKET, orphan), 'left behind');
  const keys = async (sql: string): Promise<unknown> =>
    (await server.sql(sql)).rows.map(([, , key]) => key);
  assert.deepEqual(await keys('ADMIN SWEEP DRY RUN'), [orphan]);
  assert.equal((await parquet('swept')).length, named.length + 1);
  assert.deepEqual(await keys('ADMIN SWEEP'), [orphan]);
  assert.deepEqual(await parquet('swept'), named);
  assert.deepEqual(await keys('ADMIN SWEEP DRY RUN'), []);
  await assertWhole('swept');
});

test('doctor finds all tables whole; of a missing and a cut object it names the key', async () => {
  const whole = await doctor();
  assert.equal(whole.code, 0, whole.stdout);
  assert.match(whole.stdout, /all \d+ tables are whole/);
  await server.sql('CREATE TABLE d.broken (k INT, v VARCHAR(100)) DUPLICATE KEY(k)');
  await server.sql("INSERT INTO d.broken VALUES (1, 'x')");
  await server.sql("INSERT INTO d.broken VALUES (2, 'y')");
  const [missing = '', cut = ''] = await parquet('broken');
  await unlink(join(s3.root, BUCKET, missing));
  await writeFile(join(s3.root, BUCKET, cut), 'PAR1');
  const broken = await doctor();
  assert.equal(broken.code, 1, broken.stdout);
  assert.match(broken.stdout, /1 of \d+ tables are broken/);
  assert.ok(broken.stdout.includes(`${missing} in s3://${BUCKET}/: it is missing`), broken.stdout);
  assert.ok(broken.stdout.includes(`${cut} in s3://${BUCKET}/: it has 4 bytes`), broken.stdout);
  // Other tables go on.
  assert.equal(await server.value('SELECT count(*) FROM d.swept'), '2');
});
