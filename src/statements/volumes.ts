// Statements about storage volumes. CREATE and ALTER check access by a real write, read and delete
// before anything is stored. Outputs as in the seeds.
import { fail } from '../base/errors.ts';
import { asId, type VolumeId } from '../base/ids.ts';
import { analysisError } from '../loads/properties.ts';
import type { VolumeType } from '../model/table.ts';
import { parseLocation } from '../storage/volume-location.ts';
import { completeVolumeParams, maskVolumeParams } from '../storage/volume-properties.ts';
import { checkName } from './names.ts';
import { propertyMap } from './properties.ts';
import { filterRows } from './show-filter.ts';
import { type Handler, OK, textRows } from './types.ts';
import { visibilityOf } from './visibility.ts';

const TYPES: readonly VolumeType[] = ['S3', 'HDFS', 'AZBLOB', 'ADLS2', 'GS', 'LOCAL'];
/** Made from fe.conf or at the first start, never by a statement. */
export const BUILTIN_VOLUME = 'builtin_storage_volume';

function volumeType(text: string): VolumeType {
  const type = TYPES.find((known) => known === text.toUpperCase());
  if (type === undefined) {
    throw analysisError(`Unknown storage volume type '${text}', known: ${TYPES.join(', ')}`);
  }
  return type;
}

/** `enabled` taken out of the properties. */
function splitEnabled(properties: Record<string, string>): {
  enabled: boolean | null;
  params: Record<string, string>;
} {
  const { enabled, ...params } = properties;
  if (enabled !== undefined && !/^(true|false)$/i.test(enabled)) {
    throw analysisError(`Invalid value of property 'enabled': ${enabled}`);
  }
  return { enabled: enabled === undefined ? null : enabled.toLowerCase() === 'true', params };
}

export const createStorageVolume: Handler<'create_storage_volume'> = async (
  statement,
  { services },
) => {
  const { catalog, volumes } = services;
  const name = statement.name.name;
  if ((await catalog.volumes.find(name)) !== null) {
    if (statement.ifNotExists) return OK;
    throw fail('VOLUME_EXISTS', { volume: name });
  }
  if (name === BUILTIN_VOLUME) {
    throw analysisError(`${BUILTIN_VOLUME} is a reserved storage volume name`);
  }
  checkName('storage volume', name);
  const type = volumeType(statement.type);
  const [location, ...more] = statement.locations;
  if (location === undefined || more.length > 0) {
    throw analysisError('LOCATIONS takes exactly one location');
  }
  parseLocation(type, location);
  const { enabled, params: given } = splitEnabled(propertyMap(statement.properties));
  const params = completeVolumeParams(type, given, 'create');
  const spec = { id: asId<VolumeId>(0), name, type, location, params };
  await volumes.check(spec);
  await volumes.claim(spec);
  await catalog.volumes.create({
    name,
    type,
    location,
    params,
    enabled: enabled ?? true,
    comment: statement.comment ?? '',
  });
  return OK;
};

export const alterStorageVolume: Handler<'alter_storage_volume'> = async (
  statement,
  { services },
) => {
  const { catalog, volumes } = services;
  const volume = await catalog.volumes.get(statement.name.name);
  const { enabled, params: given } = splitEnabled(propertyMap(statement.properties));
  if (enabled === false && volume.isDefault) {
    throw analysisError(`Default volume can not be disabled`);
  }
  const params = completeVolumeParams(volume.type, { ...volume.params, ...given }, 'create');
  if (Object.keys(given).length > 0) {
    await volumes.check({ ...volume, params });
    // Another endpoint may be another store, with another owner.
    await volumes.claim({ ...volume, params });
  }
  await catalog.volumes.alter(volume.name, {
    ...(Object.keys(given).length === 0 ? {} : { params }),
    ...(statement.comment === null ? {} : { comment: statement.comment }),
    ...(enabled === null ? {} : { enabled }),
  });
  return OK;
};

export const dropStorageVolume: Handler<'drop_storage_volume'> = async (
  statement,
  { services },
) => {
  const { catalog } = services;
  const name = statement.name.name;
  if (statement.ifExists && (await catalog.volumes.find(name)) === null) return OK;
  await catalog.volumes.drop(name);
  return OK;
};

export const showStorageVolumes: Handler<'show_storage_volumes'> = async (statement, context) => {
  const names = ['Storage Volume'];
  const visible = await visibilityOf(context);
  const rows = (await context.services.catalog.volumes.list())
    .filter((volume) => visible.volume(volume.id))
    .map((volume) => [volume.name]);
  return textRows(names, filterRows(names, rows, { like: statement.like, where: null }));
};

export const describeStorageVolume: Handler<'describe_storage_volume'> = async (
  statement,
  { services },
) => {
  const volume = await services.catalog.volumes.get(statement.name.name);
  return textRows(
    ['Name', 'Type', 'IsDefault', 'Location', 'Params', 'Enabled', 'Comment'],
    [
      [
        volume.name,
        volume.type,
        String(volume.isDefault),
        volume.location,
        JSON.stringify(maskVolumeParams(volume.type, volume.params)),
        String(volume.enabled),
        volume.comment,
      ],
    ],
  );
};

export const setDefaultStorageVolume: Handler<'set_default_storage_volume'> = async (
  statement,
  { services },
) => {
  await services.catalog.volumes.setDefault(statement.name.name);
  return OK;
};
