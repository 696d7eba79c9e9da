// InsertPlan (FE -> CN): the rows of one INSERT as generated SQL or as plain data, and what becomes of each
// column. Plain data, structured-clone safe. What the CN stages from it is invisible until the FE commits.
import type { LoadTarget, StagedTable, UpdateRule } from './load-plan.ts';
import type { InlineTable, QueryScan } from './query-plan.ts';
import type { SqlType } from './sql-type.ts';
import type { ColumnSchema, VolumeSpec } from './table.ts';

/** Rows of an INSERT that have the same column types before they become the table's. */
export type InsertPart =
  /** DuckDB SELECT made by our generator; its outputs are `c0`, `c1`, ... of `duckdbType(types[i])`. */
  | {
      readonly kind: 'query';
      readonly duckdbSql: string;
      readonly types: readonly SqlType[];
      /** Per column: it comes straight from a table, so that no text is longer than its type says. */
      readonly fromTable: readonly boolean[];
      /** One more output, a BIGINT: the row's place in the statement. Only where VALUES became several parts. */
      readonly hasOrdinal?: true;
    }
  /** Constants as texts a client would see; null = NULL. Far faster than as SQL. */
  | {
      readonly kind: 'rows';
      readonly types: readonly SqlType[];
      readonly rows: readonly (readonly (string | null)[])[];
      /** Each row's place in the statement. Only where VALUES became several parts. */
      readonly ordinals?: readonly number[];
    };

/** One column of the table and where its value comes from. */
export interface InsertOutput {
  readonly column: ColumnSchema;
  readonly from: /** The i-th column of every part, converted as CAST does. */
    | { readonly kind: 'source'; readonly index: number }
    /** The same text in every row; null = NULL. */
    | { readonly kind: 'constant'; readonly text: string | null }
    /** A new id in every row. */
    | { readonly kind: 'uuid' }
    | { readonly kind: 'uuid_numeric' }
    /** DuckDB SQL of the column's own type over the other columns of the table, by their quoted names. */
    | { readonly kind: 'generated'; readonly duckdbSql: string };
}

export interface InsertPlan {
  readonly userName: string;
  readonly target: LoadTarget;
  /** Where rejected rows go: `_statistics_.rejected_records`, in the same volume. */
  readonly rejected: LoadTarget;
  readonly parts: readonly InsertPart[];
  /** Relations that the parts' SQL names by placeholder. */
  readonly scans: readonly QueryScan[];
  readonly inlineTables: readonly InlineTable[];
  readonly volumes: readonly VolumeSpec[];
  readonly outputs: readonly InsertOutput[];
  /** Names of the columns that rows of a file are sorted by; empty = as they come. */
  readonly sortBy: readonly string[];
  /** Column of every part that says what becomes of the row (`__op`); null: every row is written. */
  readonly operation: number | null;
  /** As in a load's transform. */
  readonly update: UpdateRule | null;
  /** A value that does not convert rejects its row; else it becomes NULL. */
  readonly strictMode: boolean;
  /** Share of rows that may be rejected, 0 to 1; 0 = the first one ends the INSERT. */
  readonly maxFilterRatio: number;
  readonly timeoutMs: number;
  /**
   * The one part has the rows of several statements, so many of each, with ordinals. A statement with a row that is
   * to be rejected is left out as a whole and named in `StagedInsert.fellOut`: nobody is told of its rows.
   */
  readonly group?: readonly number[];
  /** EXPLAIN ANALYZE: all of it runs, nothing of it is kept, and `StagedInsert.profile` says what it took. */
  readonly profile?: true;
}

/** What the CN staged: durable files of the transaction, not visible yet. */
export interface StagedInsert {
  readonly tables: readonly StagedTable[];
  readonly rowsLoaded: number;
  readonly rowsFiltered: number;
  /** First few reasons of rejected rows. */
  readonly errorSamples: readonly string[];
  /** Of a group: places of the statements that are not in it. */
  readonly fellOut?: readonly number[];
  /** Lines of text, of a plan that asked for them: nothing is staged then. */
  readonly profile?: readonly string[];
}

/** What the CN staged of a body. */
export interface StagedLoad extends StagedInsert {
  /** Rows that WHERE left out. */
  readonly rowsUnselected: number;
  /** Of the body as it came, compressed where it was. */
  readonly bodyBytes: number;
  /** Waiting for the body, and reading it. */
  readonly readMs: number;
  /** Making and writing files. */
  readonly writeMs: number;
}
