// Where the rows of a load go: its table with the partitions that it may fill, and the table of rejected rows.
import { fail } from '../base/errors.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { compressionOf } from '../model/file-compression.ts';
import { type LoadTarget, replacingKeys } from '../model/load-plan.ts';
import { routingOf } from '../model/partition-routing.ts';
import { REJECTED_RECORDS_TABLE, STATISTICS_DATABASE } from '../model/system-tables.ts';
import type { TableInfo } from '../model/table.ts';
import { partitionsNamed } from '../query/partition-names.ts';

/** Partitions that a load names. */
export interface NamedByLoad {
  readonly names: readonly string[];
  readonly temporary: boolean;
}

/** `named`: null = all partitions. Throws VOLUME_DISABLED, SQL_ANALYZE for a name that is no partition. */
export async function loadTargets(
  catalog: Pick<Catalog, 'volumes' | 'tables' | 'partitions' | 'rememberDefinition'>,
  table: TableInfo,
  named: NamedByLoad | null,
): Promise<{ readonly target: LoadTarget; readonly rejected: LoadTarget }> {
  const volume = await catalog.rememberDefinition(['volume', String(table.volumeId)], () =>
    catalog.volumes.byId(table.volumeId),
  );
  if (!volume.enabled) throw fail('VOLUME_DISABLED', { volume: volume.name });
  const rejected = await catalog.rememberDefinition(['rejected'], () =>
    catalog.tables.get(STATISTICS_DATABASE, REJECTED_RECORDS_TABLE),
  );
  const targetOf = (info: TableInfo): LoadTarget => ({
    tableId: info.id,
    databaseName: info.databaseName,
    tableName: info.name,
    volume,
    prefix: info.prefix,
    ...compressionOf(info),
    ...(info.rewrittenVersion === undefined ? {} : { rewrittenVersion: info.rewrittenVersion }),
    keys: replacingKeys(info.schema),
  });
  const { partitioning, schema, name: tableName } = table;
  const partitions =
    partitioning === undefined
      ? null
      : await catalog.rememberDefinition(['partitions', String(table.id)], () =>
          catalog.partitions.list(table.id),
        );
  const only =
    named === null
      ? null
      : partitionsNamed({ tableName, partitions }, named.names, named.temporary);
  const routing =
    partitioning === undefined
      ? {}
      : { routing: routingOf(partitioning, schema.columns, partitions ?? [], only) };
  return { target: { ...targetOf(table), ...routing }, rejected: targetOf(rejected) };
}
