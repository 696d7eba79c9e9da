// Shape of one list of SHOW: its columns, and where its rows come from.
import type { ViewContext } from '../information-schema/view.ts';

export interface ListContext extends ViewContext {
  /** From FROM, else the session's; null when there is neither. */
  readonly database: string | null;
}

export type ListRow = readonly (string | number | null)[];

export interface ListDefinition {
  readonly columns: readonly string[];
  /** `'none'`: nothing of the kind exists here; clients get the columns. */
  readonly rows:
    | ((context: ListContext) => Promise<readonly ListRow[]> | readonly ListRow[])
    | 'none';
  /** The column of LIKE, when it is not the first. */
  readonly like?: string;
  /** Other names that WHERE may use: `id` of TransactionId. */
  readonly aliases?: Readonly<Record<string, string>>;
}

/** A list of something that Millrace has not got. */
export function emptyList(columns: string): ListDefinition {
  return { columns: columns.split(',').map((column) => column.trim()), rows: 'none' };
}
