// Columns whose values are computed anew from other columns of the same row, for the whole of a table. Plain data.
import type { FieldId } from '../base/ids.ts';

export interface ColumnRewrite {
  /** The new column. */
  readonly fieldId: FieldId;
  /** DuckDB SQL of the new column's own type, made by our generator, over the quoted names of the old columns. */
  readonly duckdbSql: string;
  /** The old column whose value has to survive: a row where it is not NULL and the new one is ends the change. */
  readonly from: string | null;
  /** DuckDB SQL over the old columns that is true where a value that is not NULL became another one; null: none can. */
  readonly lossSql: string | null;
}
