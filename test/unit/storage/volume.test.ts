// Volumes: locations, properties as the quick starts show them, the access check on local directories.
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../../src/base/clock.ts';
import { AppError } from '../../../src/base/errors.ts';
import { asId, type VolumeId } from '../../../src/base/ids.ts';
import { systemRandom } from '../../../src/base/random.ts';
import type { VolumeSpec } from '../../../src/model/table.ts';
import { endpointUrl } from '../../../src/storage/s3-store.ts';
import { checkVolume, openVolume } from '../../../src/storage/volume.ts';
import { parseLocation } from '../../../src/storage/volume-location.ts';
import {
  completeVolumeParams,
  maskVolumeParams,
  secretVolumeKeys,
} from '../../../src/storage/volume-properties.ts';
import { withTempDirectory } from '../../support/object-store-contract.ts';

const given = {
  'aws.s3.endpoint': 'minio:9000',
  'aws.s3.access_key': 'AAAA',
  'aws.s3.secret_key': 'BBBB',
  'aws.s3.use_instance_profile': 'false',
  'aws.s3.use_aws_sdk_default_behavior': 'false',
};

const messageOf = (work: () => unknown): string => {
  try {
    work();
  } catch (thrown) {
    if (thrown instanceof AppError) return `${thrown.code}: ${thrown.fullMessage}`;
    throw thrown;
  }
  return 'no error';
};

test('params print as in the quick starts', () => {
  // SOURCE: the DESC STORAGE VOLUME outputs of seeds 000 (from fe.conf) and 001 (by CREATE).
  const fromConf = maskVolumeParams('S3', completeVolumeParams('S3', given, 'conf'));
  assert.equal(
    JSON.stringify(fromConf),
    '{"aws.s3.access_key":"******","aws.s3.secret_key":"******","aws.s3.endpoint":"minio:9000","aws.s3.region":"","aws.s3.use_instance_profile":"false","aws.s3.use_aws_sdk_default_behavior":"false"}',
  );
  const created = maskVolumeParams('S3', completeVolumeParams('S3', given, 'create'));
  assert.equal(
    JSON.stringify(created),
    '{"aws.s3.access_key":"******","aws.s3.secret_key":"******","aws.s3.endpoint":"minio:9000","aws.s3.region":"us-east-1","aws.s3.use_instance_profile":"false","aws.s3.use_web_identity_token_file":"false","aws.s3.use_aws_sdk_default_behavior":"false"}',
  );
  assert.deepEqual(secretVolumeKeys('S3'), ['aws.s3.access_key', 'aws.s3.secret_key']);
});

test('wrong properties are named', () => {
  const complete = (extra: Record<string, string>): string =>
    messageOf(() => completeVolumeParams('S3', { ...given, ...extra }, 'create'));
  assert.match(
    complete({ 'aws.s3.bucket': 'x' }),
    /'aws.s3.bucket' is not a property of TYPE = S3/,
  );
  assert.match(complete({ 'aws.s3.use_instance_profile': 'yes' }), /must be true or false/);
  assert.match(complete({ 'aws.s3.endpoint': 'http://a b' }), /must be host\[:port\]/);
  assert.match(complete({ 'aws.s3.num_partitioned_prefix': '3' }), /4 to 1024/);
  assert.match(complete({ 'aws.s3.secret_key': '' }), /'aws.s3.secret_key' is missing/);
  assert.match(
    messageOf(() => completeVolumeParams('S3', {}, 'create')),
    /'aws.s3.access_key' is missing/,
  );
  assert.match(
    messageOf(() => completeVolumeParams('LOCAL', given, 'create')),
    /not a property of TYPE = LOCAL/,
  );
  for (const endpoint of [
    'minio:9000',
    'http://minio:9000',
    'https://s3.example.com/',
    '[::1]:9000',
  ])
    assert.equal(complete({ 'aws.s3.endpoint': endpoint }), 'no error', endpoint);
});

test('locations', () => {
  const bucket = 'my-starrocks-bucket';
  assert.deepEqual(parseLocation('S3', `s3://${bucket}/`), { kind: 's3', bucket, prefix: '' });
  assert.deepEqual(parseLocation('S3', 's3://abc/x/y/'), {
    kind: 's3',
    bucket: 'abc',
    prefix: 'x/y/',
  });
  assert.deepEqual(parseLocation('LOCAL', 'file:///data/dir/'), {
    kind: 'local',
    directory: '/data/dir',
  });
  const refused = (type: Parameters<typeof parseLocation>[0], location: string): string =>
    messageOf(() => parseLocation(type, location));
  assert.match(refused('S3', 'file:///x'), /STORAGE_LOCATION.*needs s3:\/\//);
  assert.match(refused('S3', 's3://'), /no bucket name/);
  assert.match(refused('S3', 's3://abc/../x'), /STORAGE_LOCATION/);
  assert.match(refused('S3', 'nonsense'), /STORAGE_LOCATION/);
  assert.match(refused('LOCAL', 'file://data'), /absolute directory/);
  assert.match(refused('LOCAL', 'file:///'), /root directory/);
  assert.match(refused('LOCAL', 'file:///a/../../etc'), /STORAGE_LOCATION/);
  assert.match(refused('HDFS', 'hdfs://host:9000/x'), /NOT_SUPPORTED.*TYPE = HDFS/);
  assert.match(refused('GS', 'gs://bucket'), /NOT_SUPPORTED/);
});

test('endpoints with and without scheme', () => {
  assert.equal(endpointUrl('minio:9000'), 'http://minio:9000');
  assert.equal(endpointUrl('https://s3.example.com'), 'https://s3.example.com');
  assert.equal(endpointUrl(''), null);
});

test('the access check on a local directory', async () => {
  await withTempDirectory(async (root) => {
    const options = { clock: systemClock, random: systemRandom };
    const spec = (directory: string): VolumeSpec => ({
      id: asId<VolumeId>(1),
      name: 'v',
      type: 'LOCAL',
      location: `file://${directory}`,
      params: {},
    });
    await checkVolume(spec(root), options);
    assert.deepEqual(await readdir(join(root, '.unfinished')), []);
    assert.deepEqual(await readdir(root), ['.unfinished']);
    await assert.rejects(checkVolume(spec(join(root, 'none')), options), (thrown: unknown) => {
      assert.ok(thrown instanceof AppError);
      assert.equal(thrown.code, 'STORAGE_ACCESS');
      assert.match(thrown.fullMessage, /write failed: no such directory \(create the directory/);
      return true;
    });
    assert.equal((await openVolume(spec(root), options)).localPath('a/b'), join(root, 'a', 'b'));
  });
});
