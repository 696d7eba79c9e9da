// builtin_storage_volume, made at the start: from fe.conf where it asks for it, a local directory where
// no fe.conf was given, none otherwise (a statement then creates one). Source: seeds 000 and 001.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { AppError, fail } from '../base/errors.ts';
import { asId, type VolumeId } from '../base/ids.ts';
import type { Log } from '../base/log.ts';
import type { Catalog, NewVolume } from '../catalog/catalog.ts';
import type { Config } from '../config/load.ts';
import type { VolumeAccess } from '../statements/types.ts';
import { BUILTIN_VOLUME } from '../statements/volumes.ts';
import { completeVolumeParams } from '../storage/volume-properties.ts';

/** Directory of the local built-in volume inside the data directory. */
export const LOCAL_VOLUME_FOLDER = 'volumes/builtin';

export async function ensureBuiltinVolume(options: {
  readonly catalog: Catalog;
  readonly config: Config;
  readonly dataDir: string;
  readonly volumes: VolumeAccess;
  readonly log: Log;
}): Promise<void> {
  const { catalog, config, dataDir, volumes, log } = options;
  if ((await catalog.volumes.find(BUILTIN_VOLUME)) !== null) return;
  const volume = config.bool('enable_load_volume_from_conf')
    ? fromConf(config)
    : config.hasFeConf
      ? null
      : localVolume(dataDir);
  if (volume === null) return;
  const spec = { id: asId<VolumeId>(0), ...volume };
  if (volume.type === 'LOCAL') mkdirSync(fileURLToPath(volume.location), { recursive: true });
  try {
    await volumes.check(spec);
    await volumes.claim(spec);
  } catch (error) {
    const isTaken = error instanceof AppError && error.code === 'VOLUME_TAKEN';
    if (volume.type === 'LOCAL' || isTaken) throw error;
    // As StarRocks: the volume exists even while its store is away; loads then say what is wrong.
    log.warn('builtin_storage_volume is not usable yet', { error });
  }
  await catalog.volumes.create(volume);
  if ((await catalog.volumes.default()) === null) await catalog.volumes.setDefault(BUILTIN_VOLUME);
}

function localVolume(dataDir: string): NewVolume {
  return {
    name: BUILTIN_VOLUME,
    type: 'LOCAL',
    location: pathToFileURL(join(dataDir, LOCAL_VOLUME_FOLDER)).href,
    params: {},
    enabled: true,
    comment: '',
  };
}

function fromConf(config: Config): NewVolume {
  if (config.text('cloud_native_storage_type').toUpperCase() !== 'S3') {
    throw fail('CONFIG_INVALID', {
      where: 'cloud_native_storage_type',
      detail: `${config.text('cloud_native_storage_type')} is not supported yet`,
      hint: 'use S3',
    });
  }
  const path = config.text('aws_s3_path').replace(/^s3:\/\//, '');
  if (path === '') {
    throw fail('CONFIG_INVALID', {
      where: 'aws_s3_path',
      detail: 'is missing although enable_load_volume_from_conf is true',
      hint: 'set it to the bucket, or bucket/prefix',
    });
  }
  const given = {
    'aws.s3.access_key': config.text('aws_s3_access_key'),
    'aws.s3.secret_key': config.text('aws_s3_secret_key'),
    'aws.s3.endpoint': config.text('aws_s3_endpoint'),
    'aws.s3.region': config.text('aws_s3_region'),
    'aws.s3.use_instance_profile': config.text('aws_s3_use_instance_profile'),
    'aws.s3.use_aws_sdk_default_behavior': config.text('aws_s3_use_aws_sdk_default_behavior'),
  };
  return {
    name: BUILTIN_VOLUME,
    type: 'S3',
    location: `s3://${path}`,
    params: completeVolumeParams('S3', given, 'conf'),
    enabled: true,
    comment: '',
  };
}
