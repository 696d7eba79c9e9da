// Partitions as listings show them. A table without partitions is one partition of its own name and id.
import type { Partition } from '../../model/partition.ts';
import { partitionColumns } from '../../model/partition-routing.ts';
import { boundsText } from '../partitions/print.ts';
import type { Services } from '../types.ts';
import type { ListedTable } from './objects.ts';

export interface ShownPartition {
  readonly id: number;
  readonly name: string;
  readonly isTemporary: boolean;
  /** Names of the partition columns. */
  readonly key: string;
  /** What it holds. */
  readonly value: string;
  readonly version: number;
  readonly createdMs: number;
  readonly updatedMs: number;
  readonly rowCount: number;
  readonly sizeBytes: number;
  readonly properties: Partition['properties'];
}

export interface ListedPartition extends ListedTable {
  readonly partition: ShownPartition;
}

/** Partitions of a table in the order of their making. */
export async function partitionsOfTable(
  { table, status }: ListedTable,
  { catalog }: Pick<Services, 'catalog'>,
): Promise<readonly ListedPartition[]> {
  const { partitioning, schema, createdMs } = table;
  if (partitioning === undefined) {
    const { version, rowCount, sizeBytes } = status;
    const updatedMs = status.updatedMs ?? createdMs;
    const figures = { version, rowCount, sizeBytes, createdMs, updatedMs };
    const { id, name } = table;
    const shown = { id, name, isTemporary: false, key: '', value: '', properties: {}, ...figures };
    return [{ table, status, partition: shown }];
  }
  const columns = partitionColumns(partitioning, schema.columns);
  const key = columns.map(({ name }) => name).join(', ');
  return (await catalog.partitions.status(table.id)).map(
    ({ partition, version, rowCount, sizeBytes, updatedMs }) => ({
      table,
      status,
      partition: {
        ...partition,
        key,
        value: boundsText(partition.bounds, columns),
        version,
        rowCount,
        sizeBytes,
        updatedMs: updatedMs ?? partition.createdMs,
      },
    }),
  );
}
