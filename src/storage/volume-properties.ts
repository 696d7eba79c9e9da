// The properties of storage volumes: one table per type that feeds validation, defaults, DESC STORAGE
// VOLUME and the reference docs. Must never print a secret.
import { fail } from '../base/errors.ts';
import type { VolumeType } from '../model/table.ts';

export interface VolumeProperty {
  readonly key: string;
  /** Value when a volume is made by CREATE without it; null = the property is then absent. */
  readonly defaultValue: string | null;
  /** Value when a volume is made from configuration without it; null = absent. */
  readonly confDefault: string | null;
  /** Printed as `******`, stored encrypted. */
  readonly secret: boolean;
  readonly check: 'text' | 'boolean' | 'endpoint' | 'partitions';
  readonly doc: string;
}

const property = (
  key: string,
  defaults: { readonly create?: string; readonly conf?: string },
  doc: string,
  options: { readonly secret?: boolean; readonly check?: VolumeProperty['check'] } = {},
): VolumeProperty => ({
  key,
  defaultValue: defaults.create ?? null,
  confDefault: defaults.conf ?? null,
  secret: options.secret ?? false,
  check: options.check ?? 'text',
  doc,
});

const boolean = { check: 'boolean' } as const;

/**
 * In the order in which DESC STORAGE VOLUME prints them. SOURCE: the outputs of both quick starts
 * (a volume from fe.conf has an empty region and no use_web_identity_token_file, one made by CREATE has
 * region us-east-1 and the key) and StarRocks' CREATE STORAGE VOLUME.
 */
const S3_PROPERTIES: readonly VolumeProperty[] = [
  property('aws.s3.access_key', {}, 'Access key.', { secret: true }),
  property('aws.s3.secret_key', {}, 'Secret key.', { secret: true }),
  property(
    'aws.s3.endpoint',
    {},
    'Host and port, with or without http:// or https:// (without means http); empty for Amazon S3 itself.',
    { check: 'endpoint' },
  ),
  property('aws.s3.region', { create: 'us-east-1', conf: '' }, 'Region; empty means us-east-1.'),
  property(
    'aws.s3.use_instance_profile',
    { create: 'false', conf: 'false' },
    'Take credentials from the machine (instance profile).',
    boolean,
  ),
  property(
    'aws.s3.use_web_identity_token_file',
    { create: 'false' },
    'Take credentials from a web identity token file.',
    boolean,
  ),
  property(
    'aws.s3.use_aws_sdk_default_behavior',
    { create: 'false', conf: 'false' },
    "Take credentials from the SDK's default chain (environment, files, machine).",
    boolean,
  ),
  property('aws.s3.iam_role_arn', {}, 'Role to assume.'),
  property('aws.s3.external_id', {}, 'External id given when the role is assumed.'),
  property(
    'aws.s3.enable_path_style_access',
    {},
    'Bucket in the path of URLs in place of the host name; default true when an endpoint is given.',
    boolean,
  ),
  property(
    'aws.s3.enable_partitioned_prefix',
    {},
    'Not used by Millrace: keys are already spread.',
    boolean,
  ),
  property('aws.s3.num_partitioned_prefix', {}, 'Not used by Millrace. 4 to 1024.', {
    check: 'partitions',
  }),
];

const PROPERTIES: Readonly<Record<VolumeType, readonly VolumeProperty[]>> = {
  S3: S3_PROPERTIES,
  LOCAL: [],
  HDFS: [],
  AZBLOB: [],
  ADLS2: [],
  GS: [],
};

/** The property table of a volume type, in printing order. `enabled` is no parameter and not in here. */
export function volumeProperties(type: VolumeType): readonly VolumeProperty[] {
  return PROPERTIES[type];
}

/**
 * Checks what a user or configuration gave (without `enabled`) and fills defaults in; the result's keys
 * are in printing order. Throws STORAGE_PROPERTY.
 */
export function completeVolumeParams(
  type: VolumeType,
  given: Readonly<Record<string, string>>,
  origin: 'create' | 'conf',
): Record<string, string> {
  const table = volumeProperties(type);
  const unknown = Object.keys(given).find((key) => !table.some((row) => row.key === key));
  if (unknown !== undefined)
    throw fail('STORAGE_PROPERTY', { key: unknown, detail: `is not a property of TYPE = ${type}` });
  const params: Record<string, string> = {};
  for (const row of table) {
    const value = given[row.key] ?? (origin === 'create' ? row.defaultValue : row.confDefault);
    if (value === null) continue;
    checkValue(row, value);
    params[row.key] = row.check === 'boolean' ? value.toLowerCase() : value;
  }
  if (type === 'S3') checkS3Credentials(params);
  return params;
}

/** A copy for showing: secrets as `******`, keys in the given order. */
export function maskVolumeParams(
  type: VolumeType,
  params: Readonly<Record<string, string>>,
): Record<string, string> {
  const secrets = new Set(
    volumeProperties(type)
      .filter((row) => row.secret)
      .map((row) => row.key),
  );
  return Object.fromEntries(
    Object.entries(params).map(([key, value]) => [key, secrets.has(key) ? '******' : value]),
  );
}

/** Keys whose values must be encrypted at rest. */
export function secretVolumeKeys(type: VolumeType): readonly string[] {
  return volumeProperties(type)
    .filter((row) => row.secret)
    .map((row) => row.key);
}

function checkValue(row: VolumeProperty, value: string): void {
  const bad = (detail: string): never => {
    throw fail('STORAGE_PROPERTY', { key: row.key, detail });
  };
  switch (row.check) {
    case 'text':
      return;
    case 'boolean':
      if (!/^(true|false)$/i.test(value)) bad(`must be true or false, not '${value}'`);
      return;
    case 'endpoint':
      if (
        value !== '' &&
        !/^(https?:\/\/)?[A-Za-z0-9._-]+(:\d{1,5})?\/?$|^(https?:\/\/)?\[[0-9A-Fa-f:]+\](:\d{1,5})?\/?$/.test(
          value,
        )
      )
        bad(`must be host[:port] with or without http:// or https://, not '${value}'`);
      return;
    case 'partitions':
      if (!/^\d{1,4}$/.test(value) || Number(value) < 4 || Number(value) > 1024)
        bad(`must be a number from 4 to 1024, not '${value}'`);
      return;
  }
}

function checkS3Credentials(params: Readonly<Record<string, string>>): void {
  const access = (params['aws.s3.access_key'] ?? '') !== '';
  const secret = (params['aws.s3.secret_key'] ?? '') !== '';
  const other =
    params['aws.s3.use_instance_profile'] === 'true' ||
    params['aws.s3.use_web_identity_token_file'] === 'true' ||
    params['aws.s3.use_aws_sdk_default_behavior'] === 'true';
  if (access !== secret)
    throw fail('STORAGE_PROPERTY', {
      key: access ? 'aws.s3.secret_key' : 'aws.s3.access_key',
      detail: 'is missing: access key and secret key go together',
    });
  if (!access && !other)
    throw fail('STORAGE_PROPERTY', {
      key: 'aws.s3.access_key',
      detail:
        'is missing: give access_key and secret_key, or set use_aws_sdk_default_behavior to true',
    });
  if ((params['aws.s3.iam_role_arn'] ?? '') !== '')
    throw fail('NOT_SUPPORTED', {
      what: 'aws.s3.iam_role_arn',
      hint: 'let use_aws_sdk_default_behavior find a role from the environment',
    });
}
