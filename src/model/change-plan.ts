// ChangePlan (FE -> CN): the rows that a DELETE or UPDATE changes, and what an UPDATE makes of them. Plain data,
// structured-clone safe. What the CN stages from it is invisible until the FE commits.
import type { InsertPlan, StagedInsert } from './insert-plan.ts';
import type { ColumnSchema } from './table.ts';

/** Rows that leave the table: one for each pair of `c0` and `c1` that the SQL gives. */
export interface ChangePlan
  extends Pick<
    InsertPlan,
    'userName' | 'target' | 'scans' | 'inlineTables' | 'volumes' | 'profile'
  > {
  /**
   * DuckDB SELECT made by our generator. `c0`: index of a data file in the files of the scan with positions
   * (INTEGER), `c1`: row in that file (BIGINT); for an UPDATE `c2`, `c3`, ... are the source columns of `update`.
   */
  readonly duckdbSql: string;
  /** A join may give one row of the table several times: one of them counts. */
  readonly mayRepeat: boolean;
  /** What the changed rows become; null = nothing, they are deleted. */
  readonly update: RowUpdate | null;
  readonly timeoutMs: number;
}

/** New rows in the place of old ones; `source` outputs count from 0 = `c2`. */
export interface RowUpdate
  extends Pick<InsertPlan, 'outputs' | 'sortBy' | 'rejected' | 'strictMode' | 'maxFilterRatio'> {
  readonly types: Extract<InsertPlan['parts'][number], { kind: 'query' }>['types'];
  readonly fromTable: readonly boolean[];
  /** Columns that are written as an overlay of rows that stay; absent: whole rows take the place of the old ones. */
  readonly overlaid?: readonly ColumnSchema[];
}

/** What the CN staged: durable objects of the transaction, not visible yet. */
export interface StagedChange extends StagedInsert {
  /** Rows of the table that leave it. */
  readonly rowsChanged: number;
}
