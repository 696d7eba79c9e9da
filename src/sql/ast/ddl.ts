// Databases and tables: CREATE, DROP, TRUNCATE and INSERT nodes. Readonly plain data.
import type { SqlType } from '../../model/sql-type.ts';
import type { Expression } from './expression.ts';
import type { Identifier, Node, Property, QualifiedName } from './node.ts';
import type { PartitionNames, Query, TimeTravel } from './query.ts';

export type DdlStatement =
  | CreateDatabase
  | DropDatabase
  | CreateTable
  | CreateTableLike
  | DropTable
  | TruncateTable
  | Recover
  | AlterTable
  | CancelAlterTable
  | AlterDatabase
  | CreateView
  | AlterView
  | DropView
  | Insert;

/** `[catalog.]database`. */
export interface DatabaseName extends Node {
  readonly catalog: string | null;
  readonly name: string;
}

export interface CreateDatabase extends Node {
  readonly kind: 'create_database';
  readonly ifNotExists: boolean;
  readonly name: DatabaseName;
  readonly comment: string | null;
  readonly properties: readonly Property[];
}

export interface DropDatabase extends Node {
  readonly kind: 'drop_database';
  readonly ifExists: boolean;
  readonly name: DatabaseName;
  readonly force: boolean;
}

/** RECOVER DATABASE d, RECOVER TABLE t, RECOVER PARTITION p FROM t. */
export interface Recover extends Node {
  readonly kind: 'recover';
  readonly what:
    | { readonly type: 'DATABASE'; readonly name: DatabaseName }
    | { readonly type: 'TABLE'; readonly name: QualifiedName }
    | { readonly type: 'PARTITION'; readonly name: string; readonly table: QualifiedName };
}

export type KeyType = 'DUPLICATE' | 'PRIMARY' | 'UNIQUE' | 'AGGREGATE';

export type AggregateType =
  | 'SUM'
  | 'MAX'
  | 'MIN'
  | 'REPLACE'
  | 'REPLACE_IF_NOT_NULL'
  | 'BITMAP_UNION'
  | 'HLL_UNION'
  | 'PERCENTILE_UNION';

export interface ColumnDefinition extends Node {
  readonly name: string;
  readonly type: SqlType;
  /** The word KEY after the type. */
  readonly isKey: boolean;
  readonly aggregate: AggregateType | null;
  /** null: neither NULL nor NOT NULL written (StarRocks: nullable, except keys of PRIMARY KEY tables). */
  readonly nullable: boolean | null;
  readonly defaultValue: ColumnDefault | null;
  readonly autoIncrement: boolean;
  /** `AS expr`: a generated column. */
  readonly generated: Expression | null;
  readonly comment: string | null;
}

export type ColumnDefault =
  | { readonly kind: 'null' }
  | { readonly kind: 'text'; readonly value: string }
  /** `CURRENT_TIMESTAMP` or `(uuid())`. */
  | { readonly kind: 'expression'; readonly expression: Expression };

/** `INDEX name (cols) [USING BITMAP|GIN|NGRAMBF] [COMMENT ..]`: accepted; what it does is for later work. */
export interface IndexDefinition extends Node {
  readonly name: string;
  readonly columns: readonly Identifier[];
  readonly type: string | null;
  readonly comment: string | null;
}

export interface CreateTable extends Node {
  readonly kind: 'create_table';
  readonly temporary: boolean;
  readonly external: boolean;
  readonly ifNotExists: boolean;
  readonly name: QualifiedName;
  /** Empty for CREATE TABLE ... AS SELECT. */
  readonly columns: readonly ColumnDefinition[];
  /** Names alone, only before AS SELECT; empty when not given. */
  readonly columnNames: readonly Identifier[];
  readonly indexes: readonly IndexDefinition[];
  /** As written, e.g. `OLAP`; null when not given. */
  readonly engine: string | null;
  readonly keys: { readonly type: KeyType; readonly columns: readonly Identifier[] } | null;
  readonly comment: string | null;
  readonly partitionBy: PartitionBy | null;
  readonly distributedBy: DistributedBy | null;
  /** ORDER BY (c, ...) of the table; empty when not given. */
  readonly orderBy: readonly Identifier[];
  readonly properties: readonly Property[];
  /** AS SELECT ...; null for a plain CREATE TABLE. */
  readonly query: Query | null;
  /** FROM KAFKA TOPIC: the columns are those of its messages; absent in others. */
  readonly topic?: KafkaTopic;
}

/** `FROM KAFKA TOPIC 'name' PROPERTIES (...)`. */
export interface KafkaTopic extends Node {
  readonly name: string;
  readonly properties: readonly Property[];
}

export type PartitionBy =
  /** `PARTITION BY RANGE (c) (PARTITION p VALUES LESS THAN ("x"), START (..) END (..) EVERY (..))`. */
  | {
      readonly kind: 'range';
      readonly columns: readonly Identifier[];
      readonly partitions: readonly RangePartition[];
    }
  | {
      readonly kind: 'list';
      readonly columns: readonly Identifier[];
      readonly partitions: readonly ListPartition[];
    }
  /** `PARTITION BY date_trunc('day', dt), region`: one partition per value, made as rows arrive. */
  | {
      readonly kind: 'expression';
      readonly items: readonly Expression[];
      /** `PARTITION BY date_trunc('day', dt) (START ... )`; empty when none are given. */
      readonly partitions: readonly RangePartition[];
      /** Written as `RANGE(expression)`. */
      readonly inRange?: true;
    };

/** null in a bound stands for MAXVALUE. */
export type PartitionBound = readonly (string | null)[];

export type RangePartition =
  | {
      readonly kind: 'less_than';
      readonly name: string;
      readonly ifNotExists: boolean;
      /** null: LESS THAN MAXVALUE without parentheses. */
      readonly bound: PartitionBound | null;
      readonly properties: readonly Property[];
    }
  | {
      readonly kind: 'fixed';
      readonly name: string;
      readonly ifNotExists: boolean;
      /** `[lower, upper)`. */
      readonly lower: PartitionBound;
      readonly upper: PartitionBound;
      readonly properties: readonly Property[];
    }
  | {
      readonly kind: 'batch';
      readonly start: string;
      readonly end: string;
      /** An interval or an integer literal. */
      readonly every: Expression;
    };

export interface ListPartition {
  readonly name: string;
  readonly ifNotExists: boolean;
  /** One entry per value tuple; a single column has tuples of one. null = NULL. */
  readonly values: readonly (readonly (string | null)[])[];
  readonly properties: readonly Property[];
}

export interface DistributedBy {
  /** `hash` has at least one column, `random` none. */
  readonly kind: 'hash' | 'random';
  readonly columns: readonly Identifier[];
  /** null: not given (automatic). */
  readonly buckets: number | null;
}

export interface CreateTableLike extends Node {
  readonly kind: 'create_table_like';
  readonly temporary: boolean;
  readonly ifNotExists: boolean;
  readonly name: QualifiedName;
  readonly like: QualifiedName;
}

export interface DropTable extends Node {
  readonly kind: 'drop_table';
  readonly temporary: boolean;
  readonly ifExists: boolean;
  readonly name: QualifiedName;
  readonly force: boolean;
}

export interface TruncateTable extends Node {
  readonly kind: 'truncate_table';
  readonly name: QualifiedName;
  readonly partitions: PartitionNames | null;
}

export interface AlterTable extends Node {
  readonly kind: 'alter_table';
  readonly name: QualifiedName;
  /** In the order written, at least one. */
  readonly clauses: readonly AlterTableClause[];
}

export type AlterTableClause =
  | { readonly kind: 'rename'; readonly name: string }
  | { readonly kind: 'comment'; readonly comment: string }
  | { readonly kind: 'set'; readonly properties: readonly Property[] }
  | { readonly kind: 'swap'; readonly name: string }
  /** Of the partitions named; none = the whole table. */
  | { readonly kind: 'compact'; readonly partitions: readonly string[] }
  /** `ROLLBACK TO VERSION n`, `ROLLBACK TO TIMESTAMP time`. */
  | { readonly kind: 'rollback'; readonly to: TimeTravel }
  | AlterColumnClause
  | AlterPartitionClause;

/** A clause that changes a table's partitions: one in a statement. */
export type AlterPartitionClause =
  | {
      readonly kind: 'add_partition';
      readonly temporary: boolean;
      readonly partition: RangePartition | ({ readonly kind: 'list' } & ListPartition);
      readonly distributedBy: DistributedBy | null;
      readonly properties: readonly Property[];
    }
  | {
      readonly kind: 'drop_partition';
      readonly temporary: boolean;
      readonly ifExists: boolean;
      /** Names, the ranges of a batch, or those whose values pass a condition. */
      readonly what:
        | readonly Identifier[]
        | Extract<RangePartition, { readonly kind: 'batch' }>
        | { readonly kind: 'where'; readonly condition: Expression };
      readonly force: boolean;
    }
  | { readonly kind: 'rename_partition'; readonly name: string; readonly to: string }
  | {
      readonly kind: 'replace_partition';
      readonly names: readonly Identifier[];
      /** Names of temporary partitions. */
      readonly by: readonly Identifier[];
      readonly properties: readonly Property[];
    }
  | {
      readonly kind: 'modify_partition';
      /** null: `(*)`, all. */
      readonly names: readonly Identifier[] | null;
      readonly properties: readonly Property[];
    };

/** Clauses that change a table's columns: they may stand together in one statement. */
export type AlterColumnClause =
  | {
      readonly kind: 'add_column';
      readonly column: ColumnDefinition;
      readonly position: ColumnPosition | null;
      readonly properties: readonly Property[];
    }
  /** `ADD COLUMN (a INT, b INT)`. */
  | {
      readonly kind: 'add_columns';
      readonly columns: readonly ColumnDefinition[];
      readonly properties: readonly Property[];
    }
  | {
      readonly kind: 'drop_column';
      readonly name: string;
      readonly properties: readonly Property[];
    }
  | {
      readonly kind: 'modify_column';
      readonly column: ColumnDefinition;
      readonly position: ColumnPosition | null;
      readonly properties: readonly Property[];
    }
  /** `MODIFY COLUMN c COMMENT "..."`. */
  | { readonly kind: 'comment_column'; readonly name: string; readonly comment: string }
  | { readonly kind: 'rename_column'; readonly name: string; readonly to: string }
  /** `MODIFY COLUMN c ADD FIELD a.[*].b INT AFTER d`, in a STRUCT. */
  | {
      readonly kind: 'add_field';
      readonly name: string;
      /** From the column inwards, `[*]` for the elements of an ARRAY; the last part is the field. */
      readonly path: readonly string[];
      readonly type: SqlType;
      readonly position: ColumnPosition | null;
      readonly properties: readonly Property[];
    }
  /** `MODIFY COLUMN c DROP FIELD a.b`. */
  | {
      readonly kind: 'drop_field';
      readonly name: string;
      readonly path: readonly string[];
      readonly properties: readonly Property[];
    }
  /** `ORDER BY (a, b)`: all columns in a new order, or the sort key. */
  | {
      readonly kind: 'order_by';
      readonly columns: readonly Identifier[];
      readonly properties: readonly Property[];
    };

export type ColumnPosition =
  | { readonly kind: 'first' }
  | { readonly kind: 'after'; readonly column: string };

/** CANCEL ALTER TABLE {COLUMN | ROLLUP | OPTIMIZE} FROM t [(job id, ...)]. */
export interface CancelAlterTable extends Node {
  readonly kind: 'cancel_alter_table';
  readonly what: 'COLUMN' | 'ROLLUP' | 'OPTIMIZE';
  readonly name: QualifiedName;
  readonly jobIds: readonly string[];
}

export interface AlterDatabase extends Node {
  readonly kind: 'alter_database';
  readonly name: DatabaseName;
  readonly change:
    | { readonly kind: 'rename'; readonly name: string }
    | { readonly kind: 'set'; readonly properties: readonly Property[] }
    /** As written: `100GB`, `1024`. */
    | { readonly kind: 'data_quota' | 'replica_quota'; readonly quota: string };
}

/** A name in the column list of a view. */
export interface ViewColumnName extends Node {
  readonly name: string;
  readonly comment: string | null;
}

export interface CreateView extends Node {
  readonly kind: 'create_view';
  readonly orReplace: boolean;
  readonly ifNotExists: boolean;
  readonly name: QualifiedName;
  /** Empty when not given. */
  readonly columns: readonly ViewColumnName[];
  readonly comment: string | null;
  /** null: not written (NONE). */
  readonly security: 'NONE' | 'INVOKER' | null;
  readonly query: Query;
}

export interface AlterView extends Node {
  readonly kind: 'alter_view';
  readonly name: QualifiedName;
  readonly columns: readonly ViewColumnName[];
  /** null: only the security changes. */
  readonly query: Query | null;
  readonly security: 'NONE' | 'INVOKER' | null;
}

export interface DropView extends Node {
  readonly kind: 'drop_view';
  readonly ifExists: boolean;
  readonly name: QualifiedName;
}

export interface Insert extends Node {
  readonly kind: 'insert';
  readonly overwrite: boolean;
  readonly table: QualifiedName;
  readonly partitions: PartitionNames | null;
  readonly label: string | null;
  /** null: no column list, all columns in table order. */
  readonly columns: readonly Identifier[] | null;
  /** BY NAME: the query's column names say which columns. */
  readonly byName: boolean;
  readonly properties: readonly Property[];
  /** VALUES arrives as a Query whose body is Values (its items may be DefaultValue). */
  readonly query: Query;
}
