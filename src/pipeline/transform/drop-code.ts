// How the statement of a load says why a row is not written, and what its outputs are called by that.
import {
  type LoadedTable,
  type LoadOutput,
  type LoadPlan,
  loadedTables,
} from '../../model/load-plan.ts';

/** Pseudo column of a load into a table with keys. SOURCE: StarRocks, loading into PRIMARY KEY tables. */
export const OPERATION = '__op';

/** Name of the scalar function that hears of every row that is not written. */
export const DROP_FUNCTION = 'load_drop';
/** Name of the scalar function that hears how many rows each line has, where a line may have several. */
export const ROWS_FUNCTION = 'load_rows';

/** Why a row is not written, packed into one integer: kind + 8 * output index. */
export const DROP_CODE = {
  /** The row is good; `load_drop` was asked only because every field was NULL, as after a parse failure. */
  keep: -1,
  unselected: 0,
  /** strict_mode: the value is there but does not convert. */
  strict: 1,
  /** NULL, or a value that became NULL, for a NOT NULL column. */
  nullValue: 2,
  /** `__op` says neither upsert nor delete. */
  operation: 3,
  /** Its value of the (first) partition column is in no partition. */
  noPartition: 4,
  /** The job's `route` gives none of its tables. */
  noTable: 5,
} as const;

/** Kinds of a DROP_CODE or a REJECT_CODE; the output's index comes above them. */
export const CODE_KINDS = 8;

/** A line that did not parse, beside the DROP_CODEs. */
export const CODE_UNPARSED = -2;
/** A line whose first UNNEST is of something that is no array, one less: has too many elements; two less for the second UNNEST, and so on. */
export const CODE_NO_ARRAY = -3;

/** What becomes of a row in a table: the columns, then `__op` where it has one. */
export function tableOutputs({ transform }: Pick<LoadedTable, 'transform'>): readonly LoadOutput[] {
  return transform.operation === null
    ? transform.outputs
    : [...transform.outputs, transform.operation];
}

/** Those of all tables, one table behind the other. The index is that of a DROP_CODE. */
export function allOutputs(plan: LoadPlan): readonly LoadOutput[] {
  return loadedTables(plan).flatMap(tableOutputs);
}
