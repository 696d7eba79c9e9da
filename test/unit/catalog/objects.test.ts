import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { present } from '../../../src/base/assert.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { AppError } from '../../../src/base/errors.ts';
import { asId, type TableId, type VolumeId } from '../../../src/base/ids.ts';
import { systemRandom } from '../../../src/base/random.ts';
import { openCatalog } from '../../../src/catalog/open.ts';
import { CLICKS, grant, openFixture } from '../../support/catalog-fixture.ts';

const fails =
  (code: string, message?: string, errno?: number) =>
  (error: unknown): boolean => {
    assert(error instanceof AppError, String(error));
    assert.equal(error.code, code);
    if (message !== undefined) assert.equal(error.message, message);
    if (errno !== undefined) assert.equal(error.row.mysqlErrno, errno);
    return true;
  };

test('what comes with the program: system databases, the rejected rows, root', async (t) => {
  const fixture = await openFixture(t);
  const { catalog } = fixture;
  const system = (await catalog.databases.list()).filter((database) => database.isSystem);
  assert.deepEqual(
    system.map((database) => database.name),
    ['_statistics_', 'information_schema', 'sys'],
  );
  assert.equal(fixture.rejected.name, 'rejected_records');
  assert.equal(fixture.rejected.schema.columns.length, 28);
  const { users, userRoles } = await catalog.accounts.read();
  assert.deepEqual(users, [
    {
      name: 'root',
      host: '%',
      sha1Digest: '',
      sha256Digest: '',
      plugin: 'mysql_native_password',
      allRolesDefault: true,
    },
  ]);
  assert.deepEqual(
    userRoles.map((entry) => [entry.user.name, entry.roleId]),
    [['root', -1]],
  );
  await assert.rejects(catalog.databases.drop('information_schema'), fails('SYSTEM_OBJECT'));
  await assert.rejects(
    catalog.tables.drop('_statistics_', 'rejected_records'),
    fails('SYSTEM_OBJECT'),
  );
  await assert.rejects(
    catalog.tables.create({ ...CLICKS, databaseName: '_statistics_' }),
    fails('SYSTEM_OBJECT'),
  );
});

test('ids of objects begin at 10001 and are never used again, not even after a restart', async (t) => {
  const fixture = await openFixture(t);
  assert.equal(fixture.volume.id, 10001);
  assert.equal(fixture.table.id, 10003);
  await fixture.catalog.tables.drop('quickstart', 'site_clicks');
  await fixture.reopen();
  const again = await fixture.catalog.tables.create(CLICKS);
  assert.equal(again.id, 10005);
  assert.notEqual(again.prefix, fixture.table.prefix);
});

test('volumes: errors, altering, default, dropping', async (t) => {
  const fixture = await openFixture(t);
  const { volumes, databases } = fixture.catalog;
  const other = {
    name: 's3_volume',
    type: 'S3',
    location: 's3://bucket/',
    params: { 'aws.s3.region': 'us-east-1' },
    enabled: false,
    comment: '',
  } as const;
  await volumes.create(other);
  await assert.rejects(
    volumes.create(other),
    fails('VOLUME_EXISTS', "Storage volume 's3_volume' already exists"),
  );
  await assert.rejects(volumes.setDefault('s3_volume'), fails('VOLUME_DISABLED'));
  await assert.rejects(
    volumes.get('none'),
    fails('UNKNOWN_VOLUME', "Unknown storage volume 'none'"),
  );
  await assert.rejects(volumes.byId(asId<VolumeId>(1)), fails('UNKNOWN_VOLUME'));
  await assert.rejects(volumes.alter('none', {}), fails('UNKNOWN_VOLUME'));
  await assert.rejects(
    databases.create({ name: 'x', volumeName: 's3_volume', properties: {} }),
    fails('VOLUME_DISABLED'),
  );
  await volumes.alter('s3_volume', { enabled: true, params: { 'aws.s3.endpoint': 'e' } });
  await volumes.setDefault('s3_volume');
  const altered = await volumes.get('s3_volume');
  assert.deepEqual(altered.params, { 'aws.s3.region': 'us-east-1', 'aws.s3.endpoint': 'e' });
  assert.equal((await volumes.default())?.name, 's3_volume');
  assert.deepEqual(
    (await volumes.list()).map(({ name, isDefault }) => [name, isDefault]),
    [
      ['local', false],
      ['s3_volume', true],
    ],
  );
  await assert.rejects(volumes.alter('s3_volume', { enabled: false }), fails('VOLUME_IN_USE'));
  await assert.rejects(volumes.drop('s3_volume'), fails('VOLUME_IN_USE'));
  await assert.rejects(volumes.drop('local'), fails('VOLUME_IN_USE'));
  await volumes.setDefault('local');
  await volumes.drop('s3_volume');
  await assert.rejects(volumes.drop('s3_volume'), fails('UNKNOWN_VOLUME'));
});

test('databases and tables: StarRocks errors, inherited volumes, order of checks', async (t) => {
  const fixture = await openFixture(t);
  const { databases, tables } = fixture.catalog;
  await assert.rejects(
    databases.create({ name: 'quickstart', volumeName: 'none', properties: {} }),
    fails('DATABASE_EXISTS', "Can't create database 'quickstart'; database exists", 1007),
  );
  await assert.rejects(databases.drop('none'), fails('DATABASE_DOES_NOT_EXIST', undefined, 1008));
  await assert.rejects(databases.get('none'), fails('UNKNOWN_DATABASE', undefined, 1049));
  await assert.rejects(
    tables.create(CLICKS),
    fails('TABLE_EXISTS', "Table 'site_clicks' already exists", 1050),
  );
  await assert.rejects(
    tables.create({ ...CLICKS, databaseName: 'none' }),
    fails('UNKNOWN_DATABASE'),
  );
  await assert.rejects(tables.get('none', 'x'), fails('UNKNOWN_DATABASE'));
  await assert.rejects(tables.get('quickstart', 'x'), fails('UNKNOWN_TABLE', undefined, 5502));
  await assert.rejects(tables.list('none'), fails('UNKNOWN_DATABASE'));
  const read = await tables.get('quickstart', 'site_clicks');
  assert.deepEqual(read, fixture.table);
  assert.equal(read.volumeId, fixture.volume.id);
  assert.deepEqual(
    read.schema.columns.map((column) => column.fieldId),
    [1],
  );
  assert.match(read.prefix, /^quickstart\/site_clicks-\d+\/data$/);
  assert.equal((await databases.get('quickstart')).volumeName, 'local');
  assert.deepEqual(await tables.byId(read.id), read);
});

test('dropping a database drops its tables, cancels its jobs and ends their leases', async (t) => {
  const fixture = await openFixture(t);
  const { catalog } = fixture;
  await grant(fixture, 't1');
  await catalog.databases.drop('quickstart');
  assert.equal(await catalog.tables.byId(fixture.table.id), null);
  assert.equal(await catalog.databases.byId(fixture.table.databaseId), null);
  const job = present(await catalog.loadJobs.byId(fixture.job.id), 'the job');
  assert.equal(job.state, 'CANCELLED');
  assert.deepEqual(job.reason, { errCode: 5, message: `db ${job.databaseId} not exist` });
  assert.equal(job.databaseName, String(job.databaseId));
  assert.deepEqual(await catalog.leases.list(), []);
  // The name is free again.
  await catalog.databases.create({ name: 'quickstart', volumeName: null, properties: {} });
  await catalog.tables.create(CLICKS);
});

test('users and global variables outlive a restart', async (t) => {
  const fixture = await openFixture(t);
  const plugin = 'mysql_native_password';
  const ann = { name: 'ann', host: '%' };
  const { accounts } = fixture.catalog;
  const digests = { sha1Digest: 'a1', sha256Digest: 'a2', plugin } as const;
  assert.equal(await accounts.createUser({ ...ann, ...digests, allRolesDefault: false }), true);
  assert.equal(await accounts.createUser({ ...ann, ...digests, allRolesDefault: false }), false);
  await accounts.setPassword(ann, { sha1Digest: 'b1', sha256Digest: 'b2', plugin });
  await fixture.catalog.variables.set('time_zone', 'UTC');
  await fixture.catalog.variables.set('time_zone', 'Asia/Shanghai');
  await fixture.reopen();
  assert.deepEqual(
    (await fixture.catalog.accounts.read()).users.map((user) => [user.name, user.sha1Digest]),
    [
      ['ann', 'b1'],
      ['root', ''],
    ],
  );
  assert.deepEqual([...(await fixture.catalog.variables.all())], [['time_zone', 'Asia/Shanghai']]);
});

test('a catalog transaction is all or nothing over several repositories', async (t) => {
  const fixture = await openFixture(t);
  await assert.rejects(
    fixture.catalog.transaction(async (scope) => {
      await scope.databases.create({ name: 'half', volumeName: null, properties: {} });
      await scope.variables.set('a', 'b');
      throw new Error('stop');
    }),
    /stop/,
  );
  assert.equal(await fixture.catalog.databases.find('half'), null);
  assert.equal((await fixture.catalog.variables.all()).size, 0);
  await assert.rejects(
    fixture.catalog.transaction(() => fixture.catalog.databases.list()),
    /only its own scope/,
  );
});

test('the database clock never steps back', async (t) => {
  const fixture = await openFixture(t);
  const before = fixture.catalog.nowMs();
  fixture.clock.shiftMs = -3_600_000;
  assert(fixture.catalog.nowMs() >= before);
});

test('where there is no volume, nothing can be created and the error says how to go on', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-objects-'));
  const catalog = await openCatalog({ dataDir, clock: systemClock, random: systemRandom });
  assert.equal(await catalog.volumes.default(), null);
  await assert.rejects(
    catalog.databases.create({ name: 'x', volumeName: null, properties: {} }),
    fails('NO_DEFAULT_VOLUME'),
  );
  await catalog.close();
  rmSync(dataDir, { recursive: true, force: true });
});

test('AUTO_INCREMENT values are given out once, to whoever asks at once and after a restart', async (t) => {
  const fixture = await openFixture(t);
  const { id } = fixture.table;
  const counts = [3, 1, 100, 7, 2, 50];
  const firsts = await Promise.all(
    counts.map((count) => fixture.catalog.tables.reserveAutoIds(id, count)),
  );
  await fixture.reopen();
  firsts.push(await fixture.catalog.tables.reserveAutoIds(id, 1));
  const given = firsts.flatMap((first, index) =>
    Array.from({ length: counts[index] ?? 1 }, (_, i) => first + i),
  );
  assert.equal(Math.min(...given), 1);
  assert.equal(new Set(given).size, given.length);
  await assert.rejects(
    fixture.catalog.tables.reserveAutoIds(asId<TableId>(77), 1),
    fails('UNKNOWN_TABLE'),
  );
});
