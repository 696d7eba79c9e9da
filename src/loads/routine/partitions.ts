// Which partitions of its table a Routine Load fills: all, or those that its PARTITION clause names.
import type { Catalog } from '../../catalog/catalog.ts';
import type { LoadTarget } from '../../model/load-plan.ts';
import { routingOf } from '../../model/partition-routing.ts';
import type { TableInfo } from '../../model/table.ts';
import { partitionsNamed } from '../../query/partition-names.ts';
import type { RoutineLoadDefinition } from './definition.ts';

/** Throws SQL_ANALYZE for a name that is no partition: the job pauses then. */
export async function routingOfJob(
  catalog: Pick<Catalog, 'partitions'>,
  table: TableInfo,
  definition: Pick<RoutineLoadDefinition, 'partitions'>,
): Promise<Pick<LoadTarget, 'routing'>> {
  const { partitioning, schema, name: tableName } = table;
  const named = definition.partitions ?? null;
  const partitions = partitioning === undefined ? null : await catalog.partitions.list(table.id);
  const only =
    named === null
      ? null
      : partitionsNamed({ tableName, partitions }, named.names, named.temporary);
  if (partitioning === undefined) return {};
  return { routing: routingOf(partitioning, schema.columns, partitions ?? [], only) };
}
