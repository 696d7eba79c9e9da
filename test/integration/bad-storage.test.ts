// What Routine Load does when it cannot write: a full store of rejected rows, a volume whose directory
// went away, a full disk, and messages above the size limit. The position stays, the reason is clear,
// and after the cause is gone RESUME loses nothing.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type KafkaAdmin, openKafkaAdmin } from '../../src/kafka/client/admin.ts';
import { LoadCase, type LoadCaseOptions } from '../support/load-case.ts';
import { errorOf } from '../support/load-job.ts';
import { startServer, type TestServer } from '../support/start-server.ts';

const COLUMNS = 'id INT NOT NULL, v STRING';
const REJECTED_MAX_BYTES = 12_000;
let directory: string;
let server: TestServer;
let admin: KafkaAdmin;

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-bad-storage-'));
  const conf = join(directory, 'fe.conf');
  writeFileSync(
    conf,
    `rejected_records_max_bytes = ${REJECTED_MAX_BYTES}\nroutine_load_max_message_bytes = 2000\n`,
  );
  server = await startServer({ conf: [conf] });
  admin = await openKafkaAdmin({
    connection: { brokers: [server.bootstrap], properties: {} },
    clientId: 'bad-storage',
  });
  // With a conf file there is no volume until one is made.
  assert.match(
    await errorOf(server, 'CREATE DATABASE bad'),
    /default storage volume does not exist/,
  );
  await makeVolume('main');
  await server.sql('SET main AS DEFAULT STORAGE VOLUME');
});

after(async () => {
  await admin.close();
  assert.equal(await server.stop(), 0);
  rmSync(directory, { recursive: true, force: true });
});

async function makeVolume(name: string): Promise<string> {
  const path = join(directory, name);
  mkdirSync(path, { recursive: true });
  await server.sql(`CREATE STORAGE VOLUME ${name} TYPE = LOCAL LOCATIONS = ("file://${path}")`);
  return path;
}

const prepare = (options: LoadCaseOptions): Promise<LoadCase> =>
  LoadCase.prepare(server, admin, options);
const ids = async (loadCase: LoadCase): Promise<(string | null | undefined)[]> =>
  (await loadCase.rows('id')).map((row) => row[0]);

test('a message above the size limit is a rejected row with its bytes', async () => {
  const loadCase = await prepare({
    name: 'oversize',
    columns: COLUMNS,
    properties: { max_error_number: '10' },
  });
  await loadCase.start();
  const large = `{"id":2,"v":"${'x'.repeat(3000)}"}`;
  await loadCase.send(['{"id":1}', large, '{"id":3}']);
  await loadCase.untilConsumed();
  assert.deepEqual(await ids(loadCase), ['1', '3']);
  const [rejected] = await loadCase.rejected();
  assert.match(rejected?.message ?? '', /larger than the limit: 3015 bytes, the limit is 2000/);
  assert.deepEqual(JSON.parse(rejected?.raw ?? ''), { _raw: large });
});

test('a full store of rejected rows pauses the job, keeps the position and loses nothing', async () => {
  const loadCase = await prepare({
    name: 'flood',
    columns: COLUMNS,
    properties: { max_error_number: '1000000' },
  });
  await loadCase.send([
    '{"id":1}',
    ...Array.from({ length: 8 }, () => `bad ${randomBytes(600).toString('base64')}`),
    '{"id":2}',
  ]);
  await loadCase.start();
  const paused = await loadCase.untilState('PAUSED');
  assert.match(
    paused['ReasonOfStateChanged'] ?? '',
    /^ErrorReason\{errCode = 104, msg='the store of rejected rows holds \d+ bytes, the limit is 12000; the batch with \d+ more was not loaded .*RESUME ROUTINE LOAD/,
  );
  assert.equal(paused['Progress'], '{"0":"OFFSET_ZERO"}');
  assert.deepEqual(await ids(loadCase), []);
  assert.deepEqual(await loadCase.rejected(), []);
  // Again as long as nothing changed; behind the bad rows it goes on.
  await loadCase.command('RESUME');
  assert.equal((await loadCase.untilState('PAUSED'))['Progress'], '{"0":"OFFSET_ZERO"}');
  await server.sql(
    'ALTER ROUTINE LOAD FOR bad.flood FROM KAFKA ("kafka_partitions" = "0", "kafka_offsets" = "9")',
  );
  await loadCase.command('RESUME');
  await loadCase.untilConsumed();
  assert.deepEqual(await ids(loadCase), ['2']);
});

test('a volume whose directory went away: PAUSED, nothing is written in its place, RESUME goes on', async () => {
  const path = await makeVolume('moving');
  await server.sql('CREATE DATABASE IF NOT EXISTS bad');
  await server.sql(`CREATE TABLE bad.moved (${COLUMNS}) PROPERTIES ("storage_volume" = "moving")`);
  await admin.createTopic('moved', 1);
  const loadCase = new LoadCase(server, admin, { name: 'moved', columns: COLUMNS });
  await loadCase.start();
  await loadCase.send(['{"id":1}']);
  await loadCase.untilConsumed();
  renameSync(path, `${path}-away`);
  await loadCase.send(['{"id":2}']);
  const paused = await loadCase.untilState('PAUSED');
  assert.match(
    paused['ReasonOfStateChanged'] ?? '',
    /cannot use storage file:.*moving: write failed: no such directory/,
  );
  assert.equal(existsSync(path), false);
  renameSync(`${path}-away`, path);
  await loadCase.command('RESUME');
  await loadCase.untilConsumed();
  assert.deepEqual(await ids(loadCase), ['1', '2']);
});

/** A small file system of its own; null where mounting is not permitted. */
function mountSmall(path: string): { grow(): void; unmount(): void } | null {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', path], { stdio: 'ignore' });
  } catch {
    return null;
  }
  return {
    grow: () => execFileSync('mount', ['-o', 'remount,size=16m', path]),
    unmount: () => execFileSync('umount', [path]),
  };
}

test('a full disk pauses the job and names it; with space RESUME loads everything once', async (t) => {
  const path = join(directory, 'small');
  mkdirSync(path);
  const disk = mountSmall(path);
  if (disk === null) {
    t.skip('mounting a small file system is not permitted here');
    return;
  }
  try {
    await makeVolume('small');
    await server.sql('CREATE DATABASE IF NOT EXISTS bad');
    await server.sql(`CREATE TABLE bad.small (${COLUMNS}) PROPERTIES ("storage_volume" = "small")`);
    await admin.createTopic('small', 1);
    const loadCase = new LoadCase(server, admin, { name: 'small', columns: COLUMNS });
    await loadCase.send(
      Array.from(
        { length: 800 },
        (_, id) => `{"id":${id},"v":"${randomBytes(500).toString('base64')}"}`,
      ),
    );
    await loadCase.start();
    const paused = await loadCase.untilState('PAUSED');
    assert.match(
      paused['ReasonOfStateChanged'] ?? '',
      /no space left on the disk that holds .*\/small/,
    );
    assert.equal(await server.value('SELECT count(*) FROM bad.small'), '0');
    disk.grow();
    await loadCase.command('RESUME');
    await loadCase.untilConsumed();
    assert.equal(await server.value('SELECT count(DISTINCT id) FROM bad.small'), '800');
    assert.equal((await loadCase.ledger()).loaded, 800);
    await loadCase.command('STOP');
    await server.sql('DROP TABLE bad.small');
  } finally {
    disk.unmount();
  }
});
