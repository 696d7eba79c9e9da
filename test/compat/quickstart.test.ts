// The quick starts of the documentation, pasted into the mysql command line: on an S3 server, with click
// events made by examples/clicks/gen.py, on the embedded broker and on Apache Kafka.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { startKafka } from '../peers/kafka.ts';
import { deleteTopic } from '../peers/topics.ts';
import { startVersitygw } from '../peers/versitygw.ts';
import { playWalk, readWalk, withHosts } from '../support/golden.ts';
import { startServer } from '../support/start-server.ts';

const KEYS = {
  accessKey: 'AAAAAAAAAAAAAAAAAAAA',
  secretKey: 'BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB',
};
const kafka = await startKafka();
after(() => kafka.stop());

/** A new S3 server, a new data directory and a new job, as the reader of the documentation has them. */
async function play(name: string, broker: 'embedded' | 'kafka'): Promise<void> {
  const s3 = await startVersitygw(['starrocks', 'my-starrocks-bucket'], KEYS);
  const folder = await mkdtemp(join(tmpdir(), 'millrace-conf-'));
  const walk = readWalk(name);
  const conf = join(folder, 'fe.conf');
  await writeFile(conf, withHosts(walk.feConf, { kafka: '', s3: s3.endpoint }));
  const server = await startServer({
    conf: [conf],
    broker: broker === 'embedded' ? 'on' : 'off',
  });
  try {
    await playWalk(walk, {
      queryPort: server.ready.queryPort,
      hosts: {
        kafka: broker === 'embedded' ? server.bootstrap : kafka.bootstrap,
        s3: s3.endpoint,
      },
      objects: s3.objects,
    });
    assert.equal(await server.stop(), 0);
  } finally {
    await server.stop();
    await s3.close();
    await rm(folder, { recursive: true, force: true });
  }
}

test('storage volume from fe.conf, embedded broker', () => play('quickstart-conf', 'embedded'));

test('storage volume by a statement, embedded broker', () => play('quickstart-create', 'embedded'));

test('storage volume from fe.conf, Apache Kafka', () => play('quickstart-conf', 'kafka'));

test('storage volume by a statement, Apache Kafka', async () => {
  await deleteTopic(kafka.bootstrap, 'test2');
  await play('quickstart-create', 'kafka');
});

for (const broker of ['embedded', 'kafka'] as const)
  test(`a PRIMARY KEY table, fed by Kafka's console tools (${broker})`, () =>
    play('primary-key', broker));
