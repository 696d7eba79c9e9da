// DELETE and UPDATE nodes. Readonly plain data, nothing resolved.
import type { Expression } from './expression.ts';
import type { Node, QualifiedName } from './node.ts';
import type { CommonTable, PartitionNames, Relation } from './query.ts';

export type ChangeStatement = Delete | Update;

/** `[WITH ..] DELETE FROM t [PARTITION (..)] [USING ..] [WHERE ..]`. */
export interface Delete extends Node {
  readonly kind: 'delete';
  /** Text of hints behind the verb: `SET_VAR(...)`. */
  readonly hints: readonly string[];
  readonly recursive: boolean;
  readonly ctes: readonly CommonTable[];
  readonly table: QualifiedName;
  readonly partitions: PartitionNames | null;
  /** Other tables, joined by WHERE; null when not written. */
  readonly using: Relation | null;
  readonly where: Expression | null;
}

/** `[WITH ..] UPDATE t SET c = x, .. [FROM ..] [WHERE ..]`, or as MySQL has it `UPDATE t, .. SET t.c = x, .. [WHERE ..]`. */
export interface Update extends Node {
  readonly kind: 'update';
  readonly hints: readonly string[];
  readonly recursive: boolean;
  readonly ctes: readonly CommonTable[];
  readonly table: QualifiedName;
  /** In the order written, at least one; a column may stand there twice here. */
  readonly assignments: readonly Assignment[];
  /** Other tables, joined by WHERE; null when not written. */
  readonly from: Relation | null;
  readonly where: Expression | null;
}

export interface Assignment extends Node {
  /** `t` of `t.c = 1`, `db` and `t` of `db.t.c = 1`; empty when not written. */
  readonly qualifier: readonly string[];
  readonly column: string;
  /** May be DEFAULT. */
  readonly value: Expression;
}
