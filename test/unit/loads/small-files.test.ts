// CREATE FILE and DROP FILE: where bytes may come from, every bound, what is stored, and who keeps a file.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../../src/base/clock.ts';
import { filesNamed, filesOf, SmallFileService } from '../../../src/loads/small-files.ts';
import { openFixture } from '../../support/catalog-fixture.ts';

const NEVER = new AbortController().signal;
const md5 = (text: string): string => createHash('md5').update(text).digest('hex');

async function rig(t: TestContext, directory = '') {
  const fixture = await openFixture(t);
  const service = new SmallFileService({
    catalog: fixture.catalog,
    clock: systemClock,
    limits: () => ({ maxFiles: 3, maxBytes: 100, directory }),
  });
  const create = (properties: Record<string, string>, name = 'f') =>
    service.create('quickstart', name, properties, NEVER);
  const { id } = await fixture.catalog.databases.get('quickstart');
  const content = async (name: string, catalog = 'kafka') =>
    (await fixture.catalog.smallFiles.content(id, catalog, name))?.toString() ?? null;
  return { fixture, service, create, content, id };
}

async function serve(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.closeAllConnections());
  t.after(() => server.close());
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `http://127.0.0.1:${address.port}`;
}

const says = (work: Promise<unknown>, message: RegExp): Promise<void> =>
  assert.rejects(work, (thrown: unknown) => {
    assert.ok(thrown instanceof Error);
    assert.match(thrown.message, message);
    return true;
  });

test('a file comes from a URL or from the statement, is listed, and its bytes come back', async (t) => {
  const { fixture, create, content, id } = await rig(t);
  const url = await serve(t, (_request, response) => response.end('from the web'));
  await create({ url: `${url}/x.pem`, catalog: 'kafka', md5: md5('from the web').toUpperCase() });
  await create({ URL: 'data:;base64,aW5saW5l', catalog: 'kafka' }, 'inline');
  await create({ content: '-----BEGIN x', catalog: '' }, 'text');
  assert.equal(await content('f'), 'from the web');
  assert.equal(await content('inline'), 'inline');
  assert.equal(await content('text', 'DEFAULT'), '-----BEGIN x');
  assert.equal(await content('text'), null);
  const files = await fixture.catalog.smallFiles.list(id);
  assert.deepEqual(
    files.map(({ name, catalogName, sizeBytes, md5: sum }) => [name, catalogName, sizeBytes, sum]),
    [
      ['f', 'kafka', 12, md5('from the web')],
      ['inline', 'kafka', 6, md5('inline')],
      ['text', 'DEFAULT', 12, md5('-----BEGIN x')],
    ],
  );
  await says(create({ content: 'x' }, 'fourth'), /File number exceeds limit: 3/);
});

test('what StarRocks refuses is refused in its words', async (t) => {
  const { create, service } = await rig(t);
  const drop = (properties: Record<string, string>, name = 'f') =>
    service.drop('quickstart', name, properties);
  await says(create({ content: 'x' }, ''), /File name is not specified/);
  await says(create({ catalog: 'kafka' }), /download url is missing/);
  await says(create({ content: 'x', save_content: 'false' }), /save_content is invalid property/);
  await says(create({ content: 'x', url: 'http://x' }), /url and content exclude each other/);
  await says(create({ url: 'ftp://x/y' }), /url must be http:, https:, data: or file:/);
  await says(
    create({ content: 'x', md5: 'b5bb901bf10f99205b39a46ac3557dd9' }),
    new RegExp(`Invalid md5sum of file in content, read: ${md5('x')}, expected: b5bb`),
  );
  await says(service.create('nowhere', 'f', { content: 'x' }, NEVER), /Unknown database 'nowhere'/);
  await create({ content: 'x', catalog: 'kafka' });
  await says(create({ content: 'y', catalog: 'kafka' }), /File f already exist/);
  // Another catalog of the same database is another place.
  await create({ content: 'y', catalog: 'mine' });
  await says(drop({}), /globalStateMgr name is missing/);
  await says(drop({ catalog: 'kafka', url: 'x' }), /url is invalid property/);
  await says(drop({ catalog: 'kafka' }, 'g'), /No such file: g/);
  await drop({ catalog: 'kafka' });
  await says(drop({ catalog: 'kafka' }), /No such file: f/);
});

test('a download has bounds, and its failure shows no secret of the URL', async (t) => {
  const { create } = await rig(t);
  const url = await serve(t, (request, response) => {
    if (request.url?.startsWith('/none') === true) response.writeHead(404).end();
    else if (request.url === '/empty') response.end();
    else response.end('x'.repeat(request.url === '/fits' ? 100 : 101));
  });
  await create({ url: `${url}/fits` }, 'fits');
  await says(create({ url: `${url}/large` }), /more than 100 bytes/);
  await says(create({ content: 'x'.repeat(101) }), /more than 100 bytes/);
  await says(create({ url: `${url}/empty` }), /it is empty/);
  const withUser = url.replace('http://', 'http://u:hush@');
  await says(create({ url: withUser }), /^(?!.*hush).*url with user and password is not/);
  await assert.rejects(create({ url: `${url}/none?sig=hush` }), (thrown: unknown) => {
    assert.ok(thrown instanceof Error);
    assert.match(
      thrown.message,
      /Failed to download file from url: http:\/\/127\.0\.0\.1:\d+\/none/,
    );
    assert.doesNotMatch(thrown.message, /hush/);
    return true;
  });
  await says(create({ url: 'http://127.0.0.1:1/x' }), /Failed to download.*127\.0\.0\.1:1\/x/);
});

test('file: reaches below its directory only, whatever links say', async (t) => {
  const base = mkdtempSync(join(tmpdir(), 'millrace-files-'));
  t.after(() => rmSync(base, { recursive: true }));
  const allowed = join(base, 'allowed');
  mkdirSync(join(allowed, 'deep'), { recursive: true });
  writeFileSync(join(allowed, 'deep', 'ca.pem'), 'inside');
  writeFileSync(join(base, 'secret'), 'outside');
  writeFileSync(join(allowed, 'large'), 'x'.repeat(101));
  symlinkSync(join(base, 'secret'), join(allowed, 'link'));
  const { create, content } = await rig(t, allowed);
  await create({ url: `file://${allowed}/deep/ca.pem`, catalog: 'kafka' }, 'in');
  assert.equal(await content('in'), 'inside');
  for (const path of [`${base}/secret`, `${allowed}/../secret`, `${allowed}/link`, allowed])
    await says(create({ url: `file://${path}` }), /not below small_file_dir/);
  await says(create({ url: `file://${allowed}/large` }), /more than 100 bytes/);
  await says(create({ url: `file://${allowed}/deep` }), /it is no file/);
  await says(create({ url: `file://${allowed}/none` }), /no such file/);
  const { create: without } = await rig(t);
  await says(without({ url: `file://${allowed}/deep/ca.pem` }), /small_file_dir.*not set/);
});

test('content is nowhere in the metadata in clear text', async (t) => {
  const { fixture, create } = await rig(t);
  await create({ content: 'hush-hush-key', catalog: 'kafka' });
  const grep = (text: string): boolean =>
    readdirSync(fixture.dataDir)
      .filter((name) => name.startsWith('metadata.db'))
      .some((name) => readFileSync(join(fixture.dataDir, name)).includes(text));
  assert.equal(grep('hush-hush-key'), false);
  assert.equal(grep(Buffer.from('hush-hush-key').toString('base64')), false);
  await fixture.reopen();
  assert.equal(grep('hush-hush-key'), false);
});

test('a file that a job names stays, one that no job names goes with its database', async (t) => {
  const { fixture, service, create, id } = await rig(t);
  const { catalog, job } = fixture;
  await create({ content: 'x', catalog: 'kafka' }, 'ca.pem');
  await create({ content: 'y', catalog: 'kafka' }, 'other');
  const source = { custom: { 'ssl.ca.location': 'FILE:ca.pem', 'client.id': 'FILE' } };
  await catalog.loadJobs.setDefinition(job.id, JSON.stringify({ source }));
  const drop = (name: string) => service.drop('quickstart', name, { catalog: 'kafka' });
  await says(drop('ca.pem'), /file 'ca.pem' cannot be dropped: Routine Load 'clicks' names it/);
  await drop('other');
  assert.deepEqual([...filesNamed({ source })], ['ca.pem']);
  const files = await filesOf(catalog, id, source.custom);
  assert.deepEqual(Object.keys(files), ['ca.pem']);
  await says(filesOf(catalog, id, { a: 'FILE:nope' }), /no file 'nope'/);
  await catalog.loadJobs.setState(job.id, ['RUNNING'], 'STOPPED', null);
  await drop('ca.pem');
  await create({ content: 'x', catalog: 'kafka' }, 'last');
  await catalog.databases.drop('quickstart', true);
  await catalog.recycleBin.purge(catalog.nowMs() + 1);
  assert.equal(await catalog.smallFiles.count(), 0);
});
