// The S3 store and volume check against a real server (versitygw), with what users do wrong.
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { after, test } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import { AppError } from '../../src/base/errors.ts';
import { asId, type VolumeId } from '../../src/base/ids.ts';
import { systemRandom } from '../../src/base/random.ts';
import type { VolumeSpec } from '../../src/model/table.ts';
import { checkVolume, openVolume } from '../../src/storage/volume.ts';
import { startVersitygw } from '../peers/versitygw.ts';
import { listKeys, objectStoreContract } from '../support/object-store-contract.ts';

const peer = await startVersitygw(['bucket-one', 'bucket-two']);
after(() => peer.close());
const options = { clock: systemClock, random: systemRandom };

function volume(location: string, params: Readonly<Record<string, string>> = {}): VolumeSpec {
  return {
    id: asId<VolumeId>(1),
    name: 's3_volume',
    type: 'S3',
    location,
    params: {
      'aws.s3.access_key': peer.accessKey,
      'aws.s3.secret_key': peer.secretKey,
      'aws.s3.endpoint': peer.endpoint,
      ...params,
    },
  };
}

objectStoreContract('s3', () => openVolume(volume('s3://bucket-one/some/prefix'), options));

test('keys lie below the location prefix, and other prefixes are not seen', async () => {
  const below = await openVolume(volume('s3://bucket-two/p/q/'), options);
  const whole = await openVolume(volume('s3://bucket-two'), options);
  await below.put('k', Buffer.from('1'));
  await whole.put('outside', Buffer.from('2'));
  assert.deepEqual(await listKeys(whole, ''), ['outside', 'p/q/k']);
  assert.deepEqual(await listKeys(below, ''), ['k']);
  assert.equal(below.localPath('k'), null);
});

test('a listing of more than one page, deleted in more than one batch', async () => {
  const store = await openVolume(volume('s3://bucket-two/many'), options);
  const keys = Array.from({ length: 2300 }, (_, i) => `k${String(i).padStart(5, '0')}`);
  for (let from = 0; from < keys.length; from += 50)
    await Promise.all(keys.slice(from, from + 50).map((key) => store.put(key, Buffer.from(key))));
  assert.deepEqual(await listKeys(store, ''), keys);
  await store.delete(keys);
  assert.deepEqual(await listKeys(store, ''), []);
});

test('the access check passes on a good volume and leaves nothing', async () => {
  await checkVolume(volume('s3://bucket-two/check'), options);
  await checkVolume(
    volume('s3://bucket-two/check', { 'aws.s3.endpoint': `http://${peer.endpoint}` }),
    options,
  );
  assert.deepEqual(
    await listKeys(await openVolume(volume('s3://bucket-two/check'), options), ''),
    [],
  );
});

async function refusal(spec: VolumeSpec): Promise<string> {
  try {
    await checkVolume(spec, options);
  } catch (thrown) {
    assert.ok(thrown instanceof AppError);
    assert.equal(thrown.code, 'STORAGE_ACCESS');
    assert.doesNotMatch(thrown.fullMessage, /wrong-secret|millrace-test-secret/);
    return thrown.fullMessage;
  }
  throw new assert.AssertionError({ message: 'the check passed' });
}

test('the access check says what is wrong', async () => {
  const wrongSecret = { 'aws.s3.secret_key': 'wrong-secret' };
  assert.match(await refusal(volume('s3://bucket-two', wrongSecret)), /secret key is wrong/);
  const wrongKey = { 'aws.s3.access_key': 'nobody' };
  assert.match(await refusal(volume('s3://bucket-two', wrongKey)), /access key is not known/);
  assert.match(await refusal(volume('s3://no-such-bucket')), /'no-such-bucket' does not exist/);
  const closed = { 'aws.s3.endpoint': '127.0.0.1:1' };
  assert.match(await refusal(volume('s3://bucket-two', closed)), /127.0.0.1:1 is not reachable/);
  const unknownHost = { 'aws.s3.endpoint': 'no-such-host.invalid:9000' };
  assert.match(await refusal(volume('s3://bucket-two', unknownHost)), /not reachable/);
});

test('a bucket that cannot be written is told', async () => {
  const readOnly = await startVersitygw(['bucket-one'], { readOnly: true });
  try {
    const message = await refusal(
      volume('s3://bucket-one', { 'aws.s3.endpoint': readOnly.endpoint }),
    );
    assert.match(message, /write failed/);
  } finally {
    await readOnly.close();
  }
});

test('a server that never answers costs the time limit, not for ever', async () => {
  const silent = createServer(() => undefined);
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  try {
    const address = silent.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const spec = volume('s3://bucket-two', { 'aws.s3.endpoint': `127.0.0.1:${port}` });
    const store = await openVolume(spec, { ...options, timeoutMs: 300, attempts: 2 });
    const start = performance.now();
    await assert.rejects(store.head('k'), (thrown: unknown) => {
      assert.ok(thrown instanceof AppError);
      return thrown.code === 'STORAGE_UNAVAILABLE' && thrown.kind === 'retry';
    });
    assert.ok(performance.now() - start < 5_000);
  } finally {
    silent.close();
  }
});
