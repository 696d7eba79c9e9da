// QueryPlan (FE -> CN): one analysed SELECT as DuckDB SQL plus the files its scans read. Only SQL made
// by our own generator goes in here, never a user's text.
import type { SqlType } from './sql-type.ts';
import type { DataFile, TableSchema, VolumeSpec } from './table.ts';

/**
 * A table scan: the generated SQL names it by `placeholder` (`__scan0`), exactly once, as a bare identifier
 * in FROM. The CN puts it in scope as a relation of that name (for example `WITH __scan0 AS (...)` in front
 * of the parenthesised statement), never by replacing text: a string literal may hold the same letters.
 * The relation has at least `columns`, by their names in `schema`, typed `duckdbType(column.type)`.
 */
export interface QueryScan {
  readonly placeholder: string;
  /** `database.table`, for messages. */
  readonly tableName?: string;
  readonly schema: TableSchema;
  /** Names of the columns that the query reads; may be empty (`count(*)`). */
  readonly columns: readonly string[];
  /** Already pruned by column statistics where the query's filters allow it. */
  readonly files: readonly DataFile[];
  /** Of an AGGREGATE KEY table: rows as they lie will do, the query merges them itself. */
  readonly unmerged?: true;
  /**
   * The relation also says where each row lies, in the columns `__file` (INTEGER, index in `files`) and `__row`
   * (BIGINT, position in the file, as position deletes count). For statements that change rows. 'all': deleted rows
   * are among them, and `notDeletedSql` of the engine leaves them out where few rows are left.
   */
  readonly positions?: true | 'all';
}

/**
 * Rows that the FE itself knows (information_schema and the like), small and bounded. The relation's columns
 * have the names and `duckdbType(type)` given here; the texts cast to them.
 */
export interface InlineTable {
  readonly placeholder: string;
  readonly columns: readonly { readonly name: string; readonly type: SqlType }[];
  readonly rows: readonly (readonly (string | null)[])[];
}

/**
 * How the statement's column leaves DuckDB. `native`: a vector of `duckdbType(type)`, whose text the CN makes;
 * `text`: VARCHAR that already is the exact text for the client (strings, JSON, arrays, maps, structs);
 * `bytes`: BLOB to send as it is.
 */
export type ColumnTransport = 'native' | 'text' | 'bytes';

export interface ResultColumn {
  readonly name: string;
  readonly type: SqlType;
  readonly transport: ColumnTransport;
}

/** A result the FE knows without asking a CN; each value is the text for the client or null. */
export interface ConstantResult {
  readonly columns: readonly { readonly name: string; readonly type: SqlType }[];
  readonly rows: readonly (readonly (string | null)[])[];
}

export type LookUpOperator = '=' | '<' | '<=' | '>' | '>=';

/** A column of whole numbers compared with a constant; never true for NULL. */
export interface LookUpComparison {
  /** By its name in the scan's schema. */
  readonly column: string;
  readonly op: LookUpOperator;
  readonly value: bigint;
}

/**
 * A statement said once more in a form that needs no engine: rows of the plan's one scan for which every
 * comparison holds, without the first `offset` of them, at most `most` (null = all), in any order.
 */
export interface LookUp {
  /** One for each result column: its name in the scan's schema, and SQL over that name that gives `c0`, `c1`, ... */
  readonly columns: readonly { readonly name: string; readonly sql: string }[];
  readonly comparisons: readonly LookUpComparison[];
  readonly offset: number;
  readonly most: number | null;
}

export interface QueryPlan {
  /** One DuckDB SELECT; scans and inline tables appear as their placeholders in FROM. Output columns are `c0`, `c1`, ... in the order of `columns`. */
  readonly duckdbSql: string;
  readonly columns: readonly ResultColumn[];
  readonly scans: readonly QueryScan[];
  readonly inlineTables: readonly InlineTable[];
  readonly volumes: readonly VolumeSpec[];
  readonly timeoutMs: number;
  /** Most rows that the statement can give (LIMIT, or an aggregate of everything); null = not known. */
  readonly maxRows: number | null;
  /** The whole result, where the metadata knows it: text as a client gets it. Running the plan gives the same. */
  readonly knownRow?: readonly (string | null)[];
  /**
   * The rows come as a filtered scan of little data finds them: asking for the first few alone costs no more
   * than all of them, and is all that a look-up needs.
   */
  readonly tryFewFirst?: true;
  /** What `duckdbSql` says, where it is a look-up: the CN may answer either way. */
  readonly lookUp?: LookUp;
  /** EXPLAIN ANALYZE: runs the statement and gives its profile, one line of text a row, in place of its rows. */
  readonly profile?: true;
}
