// PROPERTIES of CREATE TABLE: known keys. Those that mean something only on local replicas are accepted
// and shown. Source: StarRocks, CREATE TABLE (3.3).
import {
  analysisError,
  checkProperties,
  type PropertySpec,
  type PropertyTable,
} from '../loads/properties.ts';
import type { Property } from '../sql/ast/node.ts';
import { propertyMap } from './properties.ts';

const accepted = (type: PropertySpec['type'], help: string): PropertySpec => ({
  type,
  default: null,
  message: `Invalid value of a ${type} property: {value}`,
  alterable: false,
  help: `${help}; accepted and shown, no effect on object storage`,
});

export const TABLE_PROPERTIES: PropertyTable = {
  replication_num: {
    ...accepted('long', 'number of replicas'),
    min: 1,
    message: 'Replication num should larger than 0',
  },
  storage_volume: {
    type: 'text',
    default: null,
    message: '',
    alterable: false,
    help: "storage volume of the table's files; the database's when absent",
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
  in_memory: accepted('bool', 'keep in memory'),
  enable_persistent_index: accepted('bool', 'persistent key index'),
  persistent_index_type: accepted('text', 'where the key index lies'),
  bucket_size: accepted('long', 'bytes per bucket'),
  replicated_storage: accepted('bool', 'single leader replication'),
  fast_schema_evolution: accepted('bool', 'schema changes without rewriting'),
  write_quorum: accepted('text', 'replicas that must acknowledge a write'),
  compression: accepted('text', 'compression of files'),
  storage_medium: accepted('text', 'SSD or HDD'),
  storage_cooldown_time: accepted('text', 'when data moves to HDD'),
  storage_cooldown_ttl: accepted('text', 'when data moves to HDD'),
  colocate_with: accepted('text', 'colocation group'),
  bloom_filter_columns: accepted('text', 'columns with bloom filters'),
  'datacache.enable': accepted('bool', 'cache on local disk'),
  'datacache.partition_duration': accepted('text', 'age of cached partitions'),
  enable_async_write_back: accepted('bool', 'write back asynchronously'),
  light_schema_change: accepted('bool', 'schema changes without rewriting'),
};

/** PROPERTIES of a table, checked. Throws SQL_ANALYZE as StarRocks words it. */
export function checkedTableProperties(properties: readonly Property[]): Record<string, string> {
  const given = propertyMap(properties);
  const unknown = Object.entries(given).filter(
    ([key]) => !Object.hasOwn(TABLE_PROPERTIES, key.toLowerCase()),
  );
  if (unknown.length > 0) {
    const list = unknown.map(([key, value]) => `${key}=${value}`).join(', ');
    throw analysisError(`Unknown properties: {${list}}`);
  }
  return checkProperties(TABLE_PROPERTIES, given);
}
