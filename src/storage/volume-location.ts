// Locations of storage volumes as text: `s3://bucket/prefix`, `file:///dir` and the other schemes that
// StarRocks knows. Pure; says clearly what is wrong with a location and what is not supported yet.
import { fail } from '../base/errors.ts';
import type { VolumeType } from '../model/table.ts';

export type VolumeLocation =
  | { readonly kind: 's3'; readonly bucket: string /** '' or `a/b/`. */; readonly prefix: string }
  | { readonly kind: 'local'; readonly directory: string };

/** Schemes of each type. SOURCE: StarRocks CREATE STORAGE VOLUME; `file` is ours. */
const SCHEMES: Readonly<Record<VolumeType, readonly string[]>> = {
  S3: ['s3'],
  HDFS: ['hdfs', 'webhdfs', 'viewfs'],
  AZBLOB: ['azblob'],
  ADLS2: ['adls2'],
  GS: ['gs'],
  LOCAL: ['file'],
};

/**
 * Parses and checks a location for its volume type. Throws STORAGE_LOCATION when it is malformed or of
 * another scheme, NOT_SUPPORTED for types without a driver.
 */
export function parseLocation(type: VolumeType, location: string): VolumeLocation {
  const match = /^([a-z0-9]+):\/\/(.*)$/s.exec(location);
  const scheme = match?.[1] ?? '';
  const rest = match?.[2] ?? '';
  const wanted = SCHEMES[type];
  if (!wanted.includes(scheme))
    throw fail('STORAGE_LOCATION', {
      location,
      detail: `a volume of type ${type} needs ${wanted.map((name) => `${name}://`).join(' or ')}`,
    });
  switch (type) {
    case 'S3':
      return s3Location(location, rest);
    case 'LOCAL':
      return localLocation(location, rest);
    case 'HDFS':
    case 'AZBLOB':
    case 'ADLS2':
    case 'GS':
      throw fail('NOT_SUPPORTED', {
        what: `TYPE = ${type}`,
        hint: 'use TYPE = S3 (any S3-compatible store) or TYPE = LOCAL',
      });
  }
}

function s3Location(location: string, rest: string): VolumeLocation {
  const slash = rest.indexOf('/');
  const bucket = slash < 0 ? rest : rest.slice(0, slash);
  const path = slash < 0 ? '' : rest.slice(slash + 1).replace(/\/+$/, '');
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket))
    throw fail('STORAGE_LOCATION', {
      location,
      detail: `'${bucket}' is no bucket name (3 to 63 lower-case letters, digits, dots and hyphens)`,
    });
  if (path.split('/').some((part) => part === '..' || (part === '' && path !== '')))
    throw fail('STORAGE_LOCATION', { location, detail: 'the path has an empty part or ..' });
  return { kind: 's3', bucket, prefix: path === '' ? '' : `${path}/` };
}

function localLocation(location: string, rest: string): VolumeLocation {
  if (!rest.startsWith('/') || rest.includes('\0') || rest.split('/').includes('..'))
    throw fail('STORAGE_LOCATION', {
      location,
      detail: 'a local location is file:// and an absolute directory without ..',
    });
  const directory = rest.replace(/\/+$/, '');
  if (directory === '')
    throw fail('STORAGE_LOCATION', { location, detail: 'the root directory cannot be a volume' });
  return { kind: 'local', directory };
}
