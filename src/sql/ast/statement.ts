// The closed union of everything one statement can be. A handler table keyed by `kind` stays complete
// because the compiler checks it against this union.
import type { AccountStatement } from './account.ts';
import type { AdminStatement } from './admin.ts';
import type { ChangeStatement } from './change.ts';
import type { DdlStatement } from './ddl.ts';
import type { FileStatement } from './file.ts';
import type { Query } from './query.ts';
import type { RoutineLoadStatement } from './routine-load.ts';
import type { SessionStatement } from './session.ts';
import type { ShowStatement } from './show.ts';
import type { TaskStatement } from './task.ts';
import type { VolumeStatement } from './volume.ts';

export type Statement =
  | Query
  | AccountStatement
  | AdminStatement
  | ChangeStatement
  | DdlStatement
  | FileStatement
  | RoutineLoadStatement
  | SessionStatement
  | ShowStatement
  | TaskStatement
  | VolumeStatement;

export type StatementKind = Statement['kind'];

/** The node type of one kind: `StatementOf<'show_tables'>`. */
export type StatementOf<K extends StatementKind> = Extract<Statement, { readonly kind: K }>;

/** One statement of a text with its range there; `text` is the slice the positions are relative to. */
export interface ParsedStatement {
  readonly statement: Statement;
  readonly text: string;
  /** Offset of `text` in the whole input. */
  readonly start: number;
  readonly end: number;
}
