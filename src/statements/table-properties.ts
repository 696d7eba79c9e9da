// PROPERTIES of tables: every one that StarRocks knows, what Millrace does with it, and its check. Unknown names
// are refused. The one table of these facts: validation, SHOW CREATE TABLE and docs/reference/properties.md come
// from it. SOURCE: StarRocks docs, CREATE TABLE and ALTER TABLE (3.3 to 4.1).
import { nearest } from '../base/nearest.ts';
import {
  analysisError,
  checkProperties,
  type PropertySpec,
  type PropertyTable,
} from '../loads/properties.ts';
import { DEFAULT_COMPRESSION, readCompression } from '../model/file-compression.ts';
import type { SqlType } from '../model/sql-type.ts';
import type { KeysType, TableInfo } from '../model/table.ts';
import type { Property } from '../sql/ast/node.ts';
import { DYNAMIC_PROPERTIES } from './partitions/dynamic-properties.ts';
import { propertyMap } from './properties.ts';

/** A property that means nothing on object storage. */
const shown = (type: PropertySpec['type'], alterable: boolean, help: string): PropertySpec => ({
  type,
  default: null,
  message: `Invalid value of a ${type} property: {value}`,
  alterable,
  help: `${help}; accepted and shown, no effect on object storage`,
});

const words = (known: readonly string[], alterable: boolean, help: string): PropertySpec => ({
  ...shown('word', alterable, help),
  words: known.map((word) => word.toLowerCase()),
  message: `Invalid value {value}: known are ${known.join(', ')}`,
});

const number = (min: number, alterable: boolean, help: string): PropertySpec => ({
  ...shown('long', alterable, help),
  min,
});

const ACTED_UPON: PropertyTable = {
  storage_volume: {
    type: 'text',
    default: null,
    message: '',
    alterable: false,
    help: "storage volume of the table's files; the database's when absent",
  },
  enable_persistent_index: {
    type: 'bool',
    default: null,
    message: 'Invalid value of a bool property: {value}',
    alterable: true,
    help: "keys of loads are looked up through the key index on the CN's disk where the files are large; false: by reading the files; true when absent",
  },
  version_retention_second: {
    type: 'long',
    default: null,
    min: 0,
    max: 315_360_000,
    message: 'version_retention_second is a number of seconds from 0 to 315360000',
    alterable: true,
    help: "how long replaced versions can be read with FOR VERSION AS OF and gone back to; the configuration's version_retention_second when absent",
  },
  compression: {
    type: 'text',
    default: DEFAULT_COMPRESSION,
    message: '',
    alterable: false,
    help: 'compression of the Parquet files: `ZSTD`, `ZSTD(level 1 to 22)`, `LZ4`, `SNAPPY` or `ZLIB`',
  },
};

const REPLICAS: PropertyTable = {
  replication_num: {
    ...number(1, true, 'number of replicas'),
    message: 'Replication num should larger than 0',
  },
  'default.replication_num': {
    ...number(1, true, 'number of replicas of new partitions'),
    message: 'Replication num should larger than 0',
  },
  write_quorum: {
    ...words(
      ['MAJORITY', 'ONE', 'ALL'],
      true,
      'replicas that must have a write before it is committed. The one copy is the object: a load commits when its volume has acknowledged every file, whichever of the three it is',
    ),
    message: 'unknown write quorum: {value}',
  },
  replicated_storage: shown('bool', true, 'single leader replication'),
  in_memory: shown('bool', true, 'keep in memory'),
  storage_medium: words(['SSD', 'HDD'], true, 'kind of disk'),
  storage_cooldown_time: shown('text', true, 'when data moves to HDD'),
  storage_cooldown_ttl: shown('text', true, 'age at which data moves to HDD'),
  storage_type: words(['column', 'column_with_row'], false, 'layout of replicas'),
  storage_format: words(['DEFAULT', 'V1', 'V2'], false, 'version of the format of replicas'),
  tablet_type: words(['disk', 'memory'], false, 'where tablets live'),
  'labels.location': shown('text', true, 'where replicas are placed'),
  colocate_with: shown('text', true, 'colocation group'),
  bucket_size: number(0, true, 'bytes per bucket of random distribution'),
  mutable_bucket_num: number(0, true, 'buckets that are written at once'),
  enable_load_profile: shown('bool', true, 'profiles of loads'),
  short_key: number(1, false, 'columns of the short key index'),
};

const INDEXES: PropertyTable = {
  persistent_index_type: words(['LOCAL', 'CLOUD_NATIVE'], true, 'where the key index lies'),
  primary_index_cache_expire_sec: number(0, true, 'seconds that the key index stays in memory'),
  bloom_filter_columns: {
    ...shown('text', true, ''),
    help: 'columns to look single values up by: merged files have bloom filters, and are larger',
  },
  bloom_filter_fpp: {
    ...shown('double', true, ''),
    help: 'share of false hits of bloom filters; 0.05 without it',
    min: 0.0001,
    max: 0.05,
  },
  unique_constraints: shown('text', true, 'constraints that queries may rely on'),
  foreign_key_constraints: shown('text', true, 'constraints that queries may rely on'),
  fast_schema_evolution: shown('bool', false, 'schema changes without rewriting (always so here)'),
  use_fast_schema_evolution: shown(
    'bool',
    false,
    'schema changes without rewriting (always so here)',
  ),
  light_schema_change: shown('bool', false, 'schema changes without rewriting (always so here)'),
  cloud_native_fast_schema_evolution_v2: shown(
    'bool',
    true,
    'schema changes without rewriting (always so here)',
  ),
  enable_statistic_collect_on_first_load: shown('bool', true, 'statistics after the first load'),
  base_compaction_forbidden_time_ranges: shown('text', true, 'when base compaction rests'),
  compaction_strategy: words(['DEFAULT', 'REAL_TIME'], true, 'how eagerly tablets are compacted'),
  lake_compaction_max_parallel: number(0, true, 'compactions of a partition at once'),
  'flat_json.enable': shown('bool', true, 'JSON fields as columns of their own'),
  'flat_json.null.factor': shown('double', true, 'NULLs up to which a JSON field is a column'),
  'flat_json.sparsity.factor': shown('double', true, 'rows that a JSON field must be in'),
  'flat_json.column.max': number(0, true, 'most JSON fields as columns'),
  binlog_enable: shown('bool', true, 'binlog'),
  binlog_ttl_second: number(0, true, 'age of the binlog'),
  binlog_max_size: number(0, true, 'bytes of the binlog'),
};

const CLOUD: PropertyTable = {
  'datacache.enable': { ...shown('bool', true, 'cache on local disk'), default: 'true' },
  'datacache.partition_duration': shown('text', true, 'age of cached partitions'),
  enable_async_write_back: {
    ...shown('bool', false, 'write back asynchronously'),
    default: 'false',
  },
  file_bundling: shown('bool', true, 'several files in one object'),
};

export const TABLE_PROPERTIES: PropertyTable = {
  ...ACTED_UPON,
  ...DYNAMIC_PROPERTIES,
  ...REPLICAS,
  ...INDEXES,
  ...CLOUD,
};

/** Names that are nearer than this many edits are offered. */
const NEAR_NAMES = 2;

/** Words that are shown in lower case; all others are in upper case. */
const LOWER_WORDS: readonly string[] = ['storage_type', 'tablet_type'];

/** What properties are checked against. */
export interface PropertyScope {
  readonly keysType: KeysType;
  readonly columns: readonly {
    readonly name: string;
    readonly type: SqlType;
    readonly isKey: boolean;
  }[];
}

/** PROPERTIES of a table, checked. Throws SQL_ANALYZE as StarRocks words it. */
export function checkedTableProperties(
  properties: readonly Property[],
  scope: PropertyScope,
): Record<string, string> {
  const given = propertyMap(properties);
  refuseUnknown(given);
  const checked = checkProperties(TABLE_PROPERTIES, given);
  const { compression, bloom_filter_columns: bloom } = checked;
  if (compression !== undefined) {
    if (readCompression(compression) === null) {
      throw analysisError(`unknown compression type: ${compression}`);
    }
    checked['compression'] = compression.trim().toUpperCase();
  }
  if (bloom !== undefined) checkBloomFilter(bloom, scope);
  for (const [key, value] of Object.entries(checked)) {
    const isUpper = TABLE_PROPERTIES[key]?.type === 'word' && !LOWER_WORDS.includes(key);
    if (isUpper) checked[key] = value.toUpperCase();
  }
  return checked;
}

/** SET (...) of ALTER TABLE: the same, without what stays as it was made. Throws SQL_ANALYZE. */
export function alteredTableProperties(
  properties: readonly Property[],
  scope: PropertyScope,
): Record<string, string> {
  const checked = checkedTableProperties(properties, scope);
  for (const key of Object.keys(checked)) {
    if (TABLE_PROPERTIES[key]?.alterable === true) continue;
    throw analysisError(`Property ${key} of a table cannot be changed after CREATE TABLE`);
  }
  return checked;
}

function refuseUnknown(given: Readonly<Record<string, string>>): void {
  const known = Object.keys(TABLE_PROPERTIES);
  const unknown = Object.entries(given).filter(([key]) => !known.includes(key.toLowerCase()));
  const first = unknown[0];
  if (first === undefined) return;
  const list = unknown.map(([key, value]) => `${key}=${value}`).join(', ');
  const near = nearest(first[0], known, NEAR_NAMES).join(', ');
  throw analysisError(`Unknown properties: {${list}}. Near ones: ${near}`);
}

/** SOURCE: StarRocks docs, Bloom filter indexing: types without one. */
const WITHOUT_BLOOM: readonly SqlType['kind'][] = [
  'TINYINT',
  'FLOAT',
  'DOUBLE',
  'DECIMAL',
  'JSON',
  'ARRAY',
  'MAP',
  'STRUCT',
  'BITMAP',
  'HLL',
  'PERCENTILE',
];

function checkBloomFilter(list: string, { keysType, columns }: PropertyScope): void {
  const names = list.split(',').map((name) => name.trim());
  if (list.trim() === '') return;
  for (const name of names) {
    const column = columns.find((entry) => entry.name.toLowerCase() === name.toLowerCase());
    if (column === undefined) {
      throw analysisError(`Bloom filter column does not exist in table. invalid column: ${name}`);
    }
    if (!column.isKey && (keysType === 'AGG_KEYS' || keysType === 'UNIQUE_KEYS')) {
      throw analysisError(
        `Bloom filter index only used in columns of DUP_KEYS/PRIMARY table or key columns of UNIQUE_KEYS/AGG_KEYS table. invalid column: ${name}`,
      );
    }
    if (WITHOUT_BLOOM.includes(column.type.kind)) {
      throw analysisError(
        `Invalid bloom filter column '${name}': unsupported type ${column.type.kind}`,
      );
    }
  }
}

const PRIMARY_KEY_SHOWN: Readonly<Record<string, string>> = {
  enable_persistent_index: 'true',
  persistent_index_type: 'CLOUD_NATIVE',
};
const KEYS_SHOWN: Readonly<Partial<Record<KeysType, Readonly<Record<string, string>>>>> = {
  PRIMARY_KEYS: PRIMARY_KEY_SHOWN,
};

/** Without columns that are gone, so that running it makes the table again; null: as it was given. */
function shownBloomFilter({
  schema,
  properties,
}: Pick<TableInfo, 'schema' | 'properties'>): string | null {
  const given = properties['bloom_filter_columns'];
  if (given === undefined) return null;
  const known = new Set(schema.columns.map(({ name }) => name.toLowerCase()));
  const names = given.split(',').map((name) => name.trim());
  return names.every((name) => known.has(name.toLowerCase()))
    ? null
    : names.filter((name) => known.has(name.toLowerCase())).join(', ');
}

/** What SHOW CREATE TABLE prints: defaults and what was given, by name. SOURCE: StarRocks 3.3, cloud-native tables. */
export function shownProperties(
  table: Pick<TableInfo, 'schema' | 'properties'>,
  volumeName: string | null,
): readonly (readonly [string, string])[] {
  const bloom = shownBloomFilter(table);
  const all = {
    compression: DEFAULT_COMPRESSION,
    'datacache.enable': 'true',
    enable_async_write_back: 'false',
    replication_num: '1',
    ...KEYS_SHOWN[table.schema.keysType],
    ...table.properties,
    ...(bloom === null ? {} : { bloom_filter_columns: bloom }),
    ...(volumeName === null ? {} : { storage_volume: volumeName }),
  };
  return Object.entries(all).toSorted(([a], [b]) => (a < b ? -1 : 1));
}
