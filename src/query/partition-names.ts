// Partitions by the names that a statement gives, for FROM t PARTITION (p), INSERT, DELETE and ALTER TABLE.
import { fail } from '../base/errors.ts';
import type { Partition } from '../model/partition.ts';
import type { DataFile } from '../model/table.ts';

/** A table as far as its partitions go. */
export interface NamedPartitions {
  readonly tableName: string;
  /** Null: a table without partitions, which is one partition of its own name. */
  readonly partitions: readonly Partition[] | null;
}

/** The partitions of the names, each once; null = the whole of a table without partitions. Throws SQL_ANALYZE. */
export function partitionsNamed(
  { tableName, partitions }: NamedPartitions,
  names: readonly string[],
  temporary: boolean,
): readonly Partition[] | null {
  const found = new Set<Partition>();
  for (const name of names) {
    const lower = name.toLowerCase();
    if (partitions === null && !temporary && lower === tableName.toLowerCase()) continue;
    const one = partitions?.find(
      (partition) => partition.isTemporary === temporary && partition.name.toLowerCase() === lower,
    );
    if (one === undefined) {
      const sort = temporary ? 'temporary partition' : 'partition';
      throw fail('SQL_ANALYZE', { detail: `Unknown ${sort} '${name}' in table '${tableName}'` });
    }
    found.add(one);
  }
  return partitions === null ? null : [...found];
}

/** The files of partitions; null = of a table without partitions, all. */
export function filesOf(
  partitions: readonly Partition[] | null,
  files: readonly DataFile[],
): readonly DataFile[] {
  if (partitions === null) return files;
  const ids = new Set(partitions.map(({ id }) => id));
  return files.filter(({ partition }) => partition?.kind === 'id' && ids.has(partition.id));
}
