// Properties of one partition: accepted and shown, without effect on object storage. SOURCE: StarRocks docs,
// ALTER TABLE, MODIFY PARTITION.
import { analysisError, checkProperties, type PropertyTable } from '../../loads/properties.ts';
import type { Property } from '../../sql/ast/node.ts';
import { propertyMap } from '../properties.ts';

const text = (help: string): PropertyTable[string] => ({
  type: 'text',
  default: null,
  message: '',
  alterable: true,
  help: `${help}; accepted and shown, no effect on object storage`,
});

export const PARTITION_PROPERTIES: PropertyTable = {
  replication_num: {
    type: 'long',
    default: null,
    min: 1,
    message: 'Replication num should larger than 0',
    alterable: true,
    help: 'number of replicas; accepted and shown, no effect on object storage',
  },
  storage_medium: text('SSD or HDD'),
  storage_cooldown_time: text('when data moves to HDD'),
  storage_cooldown_ttl: text('when data moves to HDD'),
  in_memory: text('keep in memory'),
  'datacache.enable': text('cache on local disk'),
};

/** Checked. Throws SQL_ANALYZE for one that is not known. */
export function partitionProperties(properties: readonly Property[]): Record<string, string> {
  const given = propertyMap(properties);
  const unknown = Object.keys(given).find(
    (key) => !Object.hasOwn(PARTITION_PROPERTIES, key.toLowerCase()),
  );
  if (unknown !== undefined) {
    const known = Object.keys(PARTITION_PROPERTIES).join(', ');
    throw analysisError(`Unknown property '${unknown}' of a partition, known: ${known}`);
  }
  return checkProperties(PARTITION_PROPERTIES, given);
}
