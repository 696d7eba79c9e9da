// SUBMIT TASK and DROP TASK nodes.
import type { CreateTable, Insert } from './ddl.ts';
import type { Node, Property, QualifiedName } from './node.ts';

export type TaskStatement = SubmitTask | DropTask;

export type TaskUnit = 'SECOND' | 'MINUTE' | 'HOUR' | 'DAY';

/** SUBMIT TASK [db.name] [SCHEDULE [START('t')] EVERY(INTERVAL n unit)] [PROPERTIES (..)] AS INSERT | CREATE TABLE AS. */
export interface SubmitTask extends Node {
  readonly kind: 'submit_task';
  /** Text of hints before TASK: `SET_VAR(...)`. */
  readonly hints: readonly string[];
  readonly name: QualifiedName | null;
  readonly schedule: {
    /** As written; null = now. */
    readonly start: string | null;
    /** Digits. */
    readonly every: string;
    readonly unit: TaskUnit;
  } | null;
  readonly properties: readonly Property[];
  readonly statement: Insert | CreateTable;
}

/** DROP TASK [IF EXISTS] name [FORCE]. */
export interface DropTask extends Node {
  readonly kind: 'drop_task';
  readonly ifExists: boolean;
  readonly name: QualifiedName;
  readonly force: boolean;
}
