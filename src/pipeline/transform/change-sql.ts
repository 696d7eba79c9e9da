// ChangePlan -> DuckDB statements: a temporary table of the rows that change (their places, and for an UPDATE their
// new values in the columns' own types), and the SELECT of the new rows.

import type { ChangePlan, RowUpdate } from '../../model/change-plan.ts';
import type { LoadTarget } from '../../model/load-plan.ts';
import { partSql, storedSelect } from './insert-sql.ts';

/** The temporary table: `__file`, `__row`, and v0, v1, ... of an UPDATE. */
export const CHANGED_TABLE = '__changed';

/** Fills the table. `withClause` puts the scans in scope; `insert_reject` is told of new values that do not fit. */
export function changedRowsSql(
  plan: ChangePlan,
  { withClause, slot }: { readonly withClause: string; readonly slot: number },
): string {
  return `CREATE OR REPLACE TEMP TABLE ${CHANGED_TABLE} AS ${withClause}${rowsSql(plan, slot)}`;
}

function rowsSql({ duckdbSql, mayRepeat, update, target }: ChangePlan, slot: number): string {
  if (update === null) {
    const distinct = mayRepeat ? 'DISTINCT ' : '';
    return `SELECT ${distinct}c0 AS __file, c1 AS __row FROM (\n${duckdbSql}\n)`;
  }
  // All columns of one row: first() of a group takes them from the same one.
  const once = mayRepeat ? 'DISTINCT ON (c0, c1) ' : '';
  const sources = update.types.map((_, index) => `c${index + 2} AS c${index}`);
  const list = ['c0 AS __file', 'c1 AS __row', ...sources].join(', ');
  const part = {
    kind: 'query',
    types: update.types,
    fromTable: update.fromTable,
    duckdbSql: `SELECT ${list} FROM (SELECT ${once}* FROM (\n${duckdbSql}\n))`,
  } as const;
  const carried = ['__file', '__row'].map((name) => ({ name, sql: name }));
  // Rows below an overlay stay where they are.
  const routing = update.overlaid === undefined ? target.routing : undefined;
  return partSql(update, part, 0, slot, carried, routing);
}

/** The places of the changed rows, and the new values of their columns in stored form: an overlay is made of them. */
export function overlaySql(update: RowUpdate, { routing: _, ...target }: LoadTarget): string {
  const plan = { ...update, target, parts: [], sortBy: [] };
  return storedSelect(plan, `FROM ${CHANGED_TABLE}`, null, ['__file', '__row']);
}

/** The new rows of an UPDATE, with what the target's routing adds. */
export function newRowsSql(update: RowUpdate, target: LoadTarget): string {
  return storedSelect({ ...update, target, parts: [] }, `FROM ${CHANGED_TABLE}`);
}
