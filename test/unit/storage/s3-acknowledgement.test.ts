// A file is stored when the bucket has said so: a PUT that is not answered is not done, and one that is refused or
// cut off is an error. Over a real socket, with a server that answers when the test wants it to.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../../src/base/clock.ts';
import { S3Store } from '../../../src/storage/s3-store.ts';
import { withTempDirectory } from '../../support/object-store-contract.ts';

interface Bucket {
  readonly server: Server;
  readonly store: S3Store;
  /** The next PUT, once all of its body is there. */
  readonly put: Promise<{ readonly bytes: number; readonly response: ServerResponse }>;
}

async function withBucket(
  timeoutMs: number,
  work: (bucket: Bucket, path: string) => Promise<void>,
): Promise<void> {
  const put = Promise.withResolvers<{ bytes: number; response: ServerResponse }>();
  const server = createServer(async (request: IncomingMessage, response) => {
    let bytes = 0;
    for await (const chunk of request) bytes += (chunk as Buffer).length;
    put.resolve({ bytes, response });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const store = new S3Store({
    bucket: 'b',
    prefix: '',
    endpoint: `http://127.0.0.1:${port}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 's' },
    pathStyle: true,
    timeoutMs,
    where: 's3://b',
    clock: systemClock,
  });
  try {
    await withTempDirectory(async (root) => {
      const path = join(root, 'file');
      writeFileSync(path, 'x'.repeat(100_000));
      await work({ server, store, put: put.promise }, path);
    });
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test('a file is stored when the bucket answers, not when its last byte was sent', async () => {
  await withBucket(60_000, async ({ store, put }, path) => {
    let isDone = false;
    const stored = store.putFile('k', path).then(() => {
      isDone = true;
    });
    const { bytes, response } = await put;
    assert.ok(bytes >= 100_000);
    await systemClock.sleep(50);
    assert.equal(isDone, false);
    response.end();
    await stored;
    assert.equal(isDone, true);
  });
});

test('an answer that says no, no answer in time, and a connection that ends are errors', async () => {
  await withBucket(60_000, async ({ store, put }, path) => {
    const stored = store.putFile('k', path);
    (await put).response.writeHead(403).end();
    await assert.rejects(stored);
  });
  await withBucket(60_000, async ({ store, put }, path) => {
    const stored = store.putFile('k', path);
    (await put).response.destroy();
    await assert.rejects(stored);
  });
  await withBucket(300, async ({ store, put }, path) => {
    const stored = store.putFile('k', path);
    const rejected = assert.rejects(stored, /300 ms|time/);
    await put;
    await rejected;
  });
});
