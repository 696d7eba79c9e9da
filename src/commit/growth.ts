// What staged files add to a table. Pure.
import type { TableId } from '../base/ids.ts';
import type { TableGrowth } from '../catalog/commit-store.ts';
import type { StagedFile } from '../model/table.ts';
import { sum } from './check-request.ts';

export function growthOf(tableId: TableId, files: readonly StagedFile[]): TableGrowth {
  return {
    tableId,
    files: files.length,
    rows: sum(files.map((file) => file.rowCount)),
    sizeBytes: sum(files.map((file) => file.sizeBytes)),
  };
}
