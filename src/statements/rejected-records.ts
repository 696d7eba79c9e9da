// Conditions over `_statistics_.rejected_records` as a statement that finds their rows with their places. Syntax trees
// only.
import { REJECTED_RECORDS_TABLE, STATISTICS_DATABASE } from '../model/system-tables.ts';
import type { Delete } from '../sql/ast/change.ts';
import type { Expression } from '../sql/ast/expression.ts';

const START = { pos: { start: 0, line: 1, column: 1 } };

/** The form of a statement that changes the records; it is never run as one. */
export function recordsWhere(where: Expression | null): Delete {
  const table = { ...START, catalog: null, database: STATISTICS_DATABASE };
  return {
    kind: 'delete',
    ...START,
    hints: [],
    recursive: false,
    ctes: [],
    table: { ...table, name: REJECTED_RECORDS_TABLE },
    partitions: null,
    using: null,
    where,
  };
}
