// What staged files and deletes add to and take from a table. Pure.
import type { TableGrowth } from '../catalog/commit-store.ts';
import type { StagedTable } from '../model/load-plan.ts';
import { sum } from './sum.ts';

/** Growth of the tables, in one order for all writers: none waits for another's rows in a circle. */
export function growthOf(tables: readonly StagedTable[]): readonly TableGrowth[] {
  return tables.map(growthOfTable).sort((left, right) => left.tableId - right.tableId);
}

export function growthOfTable({ tableId, files, deletes }: StagedTable): TableGrowth {
  return {
    tableId,
    files: files.length,
    rows: sum(files.map((file) => file.rowCount)) - deletedRows(deletes),
    sizeBytes: sum(files.map((file) => file.sizeBytes)),
  };
}

/** Does the commit make a new version of the table? */
export function changes({ files, deletes, overlay }: StagedTable): boolean {
  return files.length > 0 || deletes !== undefined || overlay !== undefined;
}

function deletedRows(deletes: StagedTable['deletes']): number {
  return sum(deletes?.touched.map((file) => file.newPositions) ?? []);
}
